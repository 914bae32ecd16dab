/** P6, P8: which checks of a gate are under way at the same time, and in which order their evidence is taken. */
import { expect } from 'chai';
import fc from 'fast-check';
import { isHeld } from '../../../host-agent/checks/observe.ts';
import { Observations, STOP_GRACE_MS } from '../../../host-agent/run/observations.ts';
import type { Evidence } from '../../../shared/ledger/evidence.ts';
import type { PlannedCheck } from '../../../shared/ledger/planned-checks.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { errorOf } from '../../support/errors-of.ts';

/** Checks whose names begin with `alone` bear no company. */
class Gate {
  readonly clock = new FakeClock();
  readonly stopping = new AbortController();
  readonly checks: readonly PlannedCheck[];
  readonly begun: string[] = [];
  readonly ended: string[] = [];
  readonly observations: Observations;
  /** Sets of names that were under way together. */
  readonly together: string[][] = [];
  readonly #open = new Map<string, { end: () => void; fail: (error: Error) => void; signal: AbortSignal }>();

  constructor(names: readonly string[], atOnce: number) {
    this.checks = names.map((id) => ({
      id,
      gate: 'G5',
      kind: 'exec',
      params: {},
      seenBy: 'host',
      timeoutMs: undefined,
    }));
    this.observations = new Observations({
      observe: (check, signal) => this.#observe(check, signal),
      bearsCompany: ({ id }) => !id.startsWith('alone'),
      atOnce,
      clock: this.clock,
      signal: this.stopping.signal,
    });
  }

  underWay(): string[] {
    return [...this.#open.keys()];
  }

  async take(from: number): Promise<Evidence> {
    const observed = await this.observations.take(this.checks.slice(from));
    if (isHeld(observed)) throw new Error('no check of this gate waits for people');
    return observed;
  }

  async end(name: string): Promise<void> {
    this.#open.get(name)?.end();
    await settled();
  }

  async fail(name: string, error: Error): Promise<void> {
    this.#open.get(name)?.fail(error);
    await settled();
  }

  signalOf(name: string): AbortSignal | undefined {
    return this.#open.get(name)?.signal;
  }

  #observe({ id, gate, kind }: PlannedCheck, signal: AbortSignal): Promise<Evidence> {
    this.begun.push(id);
    const { promise, resolve, reject } = Promise.withResolvers<Evidence>();
    const over = () => {
      this.ended.push(id);
      this.#open.delete(id);
    };
    this.#open.set(id, {
      end: () => {
        over();
        const result = { did: 'observe', observation: {} } as const;
        resolve({ check: id, gate, kind, startedAt: '2026-11-22T10:00:00.000Z', durationMs: 1, result });
      },
      fail: (error) => {
        over();
        reject(error);
      },
      signal,
    });
    this.together.push(this.underWay());
    return promise;
  }
}

/** Every promise that can settle now has settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('observing the checks of a gate', () => {
  it('begins as many as may be under way, in the order of the plan, and the next when one ends', async () => {
    const gate = new Gate(['a', 'b', 'c', 'd'], 2);
    const first = gate.take(0);
    expect(gate.underWay()).to.deep.equal(['a', 'b']);
    await gate.end('b');
    expect(gate.underWay()).to.deep.equal(['a', 'c']);
    await gate.end('c');
    expect(gate.underWay()).to.deep.equal(['a', 'd']);
    await gate.end('a');
    expect((await first).check).to.equal('a');
  });

  it('gives evidence in the order of the plan, whichever was there first, and says what is there', async () => {
    const gate = new Gate(['a', 'b', 'c'], 3);
    const taken = gate.take(0);
    await gate.end('c');
    await gate.end('b');
    expect(gate.checks.map((check) => gate.observations.isOver(check))).to.deep.equal([false, true, true]);
    await gate.end('a');
    const order = [(await taken).check, (await gate.take(1)).check, (await gate.take(2)).check];
    expect(order).to.deep.equal(['a', 'b', 'c']);
    expect(gate.begun).to.deep.equal(['a', 'b', 'c']);
  });

  it('observes one that must be alone in its turn, behind all that went before it and before all others', async () => {
    const gate = new Gate(['a', 'b', 'alone', 'c', 'd'], 4);
    const turns = [gate.take(0)];
    expect(gate.underWay()).to.deep.equal(['a', 'b']);
    await gate.end('b');
    await gate.end('a');
    expect(gate.underWay(), 'it is not begun ahead of its turn').to.deep.equal([]);
    turns.push(gate.take(1), gate.take(2));
    expect(gate.underWay()).to.deep.equal(['alone']);
    await gate.end('alone');
    turns.push(gate.take(3));
    expect(gate.underWay()).to.deep.equal(['c', 'd']);
    await gate.end('c');
    expect((await Promise.all(turns)).map(({ check }) => check)).to.deep.equal(['a', 'b', 'alone', 'c']);
  });

  it('hears of one that failed ahead of its turn in its turn', async () => {
    const gate = new Gate(['a', 'b'], 2);
    const first = gate.take(0);
    await gate.fail('b', new Error('a defect'));
    await gate.end('a');
    expect((await first).check).to.equal('a');
    expect(await errorOf(gate.take(1))).to.deep.include({ message: 'a defect' });
  });

  it('P8: ends all of them when the run does not go on, begins no other, and waits until they have ended', async () => {
    const gate = new Gate(['a', 'b', 'c'], 2);
    void gate.take(0);
    const disposed = gate.observations[Symbol.asyncDispose]();
    expect(gate.signalOf('a')?.aborted).to.equal(true);
    expect(gate.signalOf('b')?.aborted).to.equal(true);
    let isDisposed = false;
    void disposed.then(() => {
      isDisposed = true;
    });
    await gate.end('a');
    expect(isDisposed).to.equal(false);
    await gate.fail('b', new Error('cut off'));
    await disposed;
    expect(gate.begun).to.deep.equal(['a', 'b']);
    expect(gate.clock.pendingMs()).to.deep.equal([]);
  });

  it('P8: a stop is heard at once, by all of them; one that does not hear it is waited for no longer than the grace', async () => {
    const gate = new Gate(['a', 'b'], 2);
    const taken = errorOf(gate.take(0));
    gate.stopping.abort(new Error('stopped'));
    expect(await taken).to.deep.include({ message: 'stopped' });
    expect(gate.signalOf('b')?.aborted).to.equal(true);
    const disposed = gate.observations[Symbol.asyncDispose]();
    await gate.clock.whenPending(1);
    gate.clock.advance(STOP_GRACE_MS);
    await disposed;
    expect(gate.underWay()).to.deep.equal(['a', 'b']);
  });

  it('whatever ends when, at most so many are under way, none beside one that is alone, and each is taken once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat()),
        async (alone, atOnce, choices) => {
          const names = alone.map((isAlone, index) => `${isAlone ? 'alone' : 'check'}-${index}`);
          const gate = new Gate(names, atOnce);
          const taken: string[] = [];
          for (const [index, name] of names.entries()) {
            const turn = gate.take(index);
            while (!gate.ended.includes(name)) {
              const open = gate.underWay();
              await gate.end(open[(choices.next().value ?? 0) % open.length] ?? '');
            }
            taken.push((await turn).check);
          }
          expect(taken).to.deep.equal(names);
          expect(gate.begun).to.deep.equal(names);
          for (const set of gate.together) {
            expect(set.length).to.be.at.most(atOnce);
            if (set.some((name) => name.startsWith('alone'))) expect(set).to.have.length(1);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
