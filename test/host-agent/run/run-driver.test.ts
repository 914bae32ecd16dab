/** P6, P8: the order in which a run is done, recorded and told, and what ends it. */
import { expect } from 'chai';
import { STOP_GRACE_MS } from '../../../host-agent/run/observations.ts';
import type { InstallSteps } from '../../../host-agent/run/run-driver.ts';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { RejectedError } from '../../../shared/errors.ts';
import type { EvidenceResult } from '../../../shared/ledger/evidence.ts';
import { errorOf } from '../../support/errors-of.ts';
import { DriverWorld, RUN } from './driver-world.ts';

describe('driving a run', () => {
  let world: DriverWorld;
  beforeEach(async () => {
    world = await DriverWorld.start();
  });
  afterEach(() => world[Symbol.dispose]());

  function rollBack(): void {
    const { store } = world;
    const remaining = [
      { do: 'observe', check: 'rollback.removal', gate: 'ROLLBACK' },
      { do: 'remove' },
      { do: 'tidy' },
      { do: 'enter', phase: 'rolledBack', reason: 'a rollback was ordered' },
    ] as const;
    store.commit(RUN, { state: { ...world.state(), remaining }, bodies: [] });
  }

  it('ends proven, each effect once and in the order of the machine', async () => {
    await world.drive();
    expect(world.state()).to.deep.include({ phase: 'proven', remaining: [], isPromoted: true });
    expect(world.done.filter((what) => !what.includes('.'))).to.deep.equal([
      'receive',
      'stage',
      'promote',
      'no-env',
      'tidy',
    ]);
    expect(world.phases()).to.deep.equal([
      'preflight',
      'fetching',
      'staged',
      'promoted',
      'checking',
      'rehearsing',
      'proven',
    ]);
    expect(world.store.unfinished()).to.deep.equal([]);
  });

  it('P8: does an effect, then records it, then tells; nothing is told that is not durable', async () => {
    const counts: Record<string, number> = {};
    world.atBoundary = (boundary) => {
      counts[boundary] = world.store.entries(RUN).length;
      expect(world.signed.reports()).to.have.length(world.store.entries(RUN).length);
    };
    await world.drive();
    expect(counts['after observe no-env']).to.equal(counts['before observe no-env']);
    expect(counts['recorded observe no-env']).to.be.above(counts['before observe no-env'] ?? 0);
    const [before, after, recorded] = ['before', 'after', 'recorded'].map((kind) => boundariesOf(kind));
    expect(before?.length).to.be.at.least(20);
    expect(after).to.deep.equal(before);
    expect(recorded).to.deep.equal(before);
  });

  function boundariesOf(kind: string): string[] {
    return world.boundaries.filter((name) => name.startsWith(`${kind} `)).map((name) => name.slice(kind.length + 1));
  }

  it('makes durable together what need not be waited for: what the build machine saw costs one transaction', async () => {
    await world.drive();
    const [first = []] = transactionsOf(world.boundaries);
    expect(first.length).to.be.above(2);
    expect(first.slice(0, -1).every((name) => /^observe g[012]\./.test(name))).to.equal(true);
    expect(first.at(-1)).to.equal('enter preflight');
  });

  it('P8: begins nothing that moves something before everything in front of it is durable', async () => {
    await world.drive();
    const moving = transactionsOf(world.boundaries).filter((names) => names.some((name) => !/ /.test(name)));
    expect(moving.map(([first]) => first)).to.deep.equal(['receive', 'stage', 'promote', 'tidy']);
  });

  it('observes as many checks at a time as the host has processors, and no more than the plan says', async () => {
    world.atOnce = 4;
    expect(await mostAtOnce()).to.equal(4);
    world[Symbol.dispose]();
    world = await DriverWorld.start({ parallel: 2 });
    world.atOnce = 4;
    expect(await mostAtOnce()).to.equal(2);
  });

  it('P6: the ledger keeps the order of the plan, whichever check was done first', async () => {
    const inOrder = world.planned.filter(({ gate, seenBy }) => seenBy === 'host' && gate !== 'ROLLBACK');
    world.atOnce = 4;
    let turn = 0;
    for (const { id } of inOrder) world.checks.set(id, () => later(4 - (turn++ % 4)));
    await world.drive();
    const recorded = [...world.evidence().keys()].filter((id) => inOrder.some((check) => check.id === id));
    expect(recorded).to.deep.equal(inOrder.map(({ id }) => id));
    expect(world.done.filter((id) => inOrder.some((check) => check.id === id))).to.have.length(inOrder.length);
  });

  it('P8: checks that were under way beside one that is cut off are ended with it, and observed again', async () => {
    world.atOnce = 4;
    const ended: string[] = [];
    world.whenEnded = (id) => ended.push(id);
    world.checks.set('g3.space', () => new Promise(() => {}));
    world.atBoundary = (boundary) => {
      if (boundary === 'recorded observe g3.target-free') throw new Error('crash');
    };
    const driven = errorOf(world.drive());
    await world.clock.whenPending(1);
    world.clock.advance(STOP_GRACE_MS);
    expect(await driven).to.deep.include({ message: 'crash' });
    expect(ended).to.include('g3.space');
    world.atBoundary = () => {};
    world.checks.clear();
    await world.drive();
    expect(world.state().phase).to.equal('proven');
    expect(world.evidence().size).to.equal(world.planned.length - 2);
  });

  async function mostAtOnce(): Promise<number> {
    let [running, most] = [0, 0];
    for (const { id } of world.planned) {
      world.checks.set(id, async () => {
        running += 1;
        most = Math.max(most, running);
        const result = await later(1);
        running -= 1;
        return result;
      });
    }
    await world.drive();
    return most;
  }

  it('P8: a driver that is cut off at any boundary is followed by one that records each check once', async () => {
    const crashed = new Set<string>();
    world.atBoundary = (boundary) => {
      if (crashed.has(boundary)) return;
      crashed.add(boundary);
      throw new Error('crash');
    };
    for (let isDone = false; !isDone; ) isDone = (await errorOf(world.drive())) === undefined;
    expect(crashed.size).to.be.at.least(60);
    expect(world.state().phase).to.equal('proven');
    expect(world.evidence().size).to.equal(world.planned.length - 2);
    expect(new Set(world.phases()).size).to.equal(world.phases().length);
  });

  const VERDICTS: Record<string, { readonly result: EvidenceResult; readonly status: string }> = {
    'that fails': { result: { did: 'observe', observation: { ok: false } }, status: 'FAIL' },
    'that is blocked': { result: { did: 'block', reason: 'no bubblewrap', needs: [] }, status: 'BLOCKED' },
    'whose sight is lost': { result: { did: 'lose', reason: 'cut off' }, status: 'UNKNOWN' },
    'that was not run': { result: { did: 'not-run', reason: 'left out' }, status: 'NOT_RUN' },
    'that saw what its kind cannot see': {
      result: { did: 'observe', observation: { ok: 'PASS', status: 'PASS' } },
      status: 'UNKNOWN',
    },
  };
  for (const [title, { result, status }] of Object.entries(VERDICTS)) {
    it(`P6: a check ${title} is ${status}, the run fails at its gate and nothing is fetched`, async () => {
      world.checks.set('g3.space', () => result);
      await world.drive();
      expect(world.state().statuses.find(({ check }) => check === 'g3.space')?.status).to.equal(status);
      expect(world.phases().at(-1)).to.equal('failed');
      expect(world.bodies().at(-1)).to.deep.include({ reason: `gate G3 is ${status}` });
      expect(world.done).to.not.include('receive');
      expect(world.evidence().has('g3.fingerprint-before'), 'the rest of the gate is seen').to.equal(true);
    });
  }

  it('P6: evidence of another kind than the plan asks for is no pass', async () => {
    world.evidenceOf.set('no-env', ({ id, gate }) => {
      const startedAt = '2026-11-22T10:00:00.000Z';
      const result = { did: 'observe', observation: { ok: true } } as const;
      return { check: id, gate, kind: 'exec', startedAt, durationMs: 1, result };
    });
    await world.drive();
    expect(world.state()).to.deep.include({ phase: 'failed', isPromoted: true });
  });

  it('P6: what the build record leaves out was not run', async () => {
    const { database } = world.signed;
    const nothing = encodeCanonical({ schema: 'keyturn.build-record/v1', checks: [] });
    database.prepare("update materials set bytes = ? where name = 'build-record'").run(nothing);
    await world.drive();
    expect(world.evidence().get('g0.repository')?.result).to.deep.equal({
      did: 'not-run',
      reason: 'the signed build record holds nothing of it',
    });
    expect(world.phases()).to.deep.equal(['failed']);
  });

  const REFUSED: Record<
    string,
    { readonly step: keyof InstallSteps; readonly check: string | undefined; readonly end: string }
  > = {
    'receiving is refused': { step: 'receive', check: 'g4.received', end: 'failed' },
    'staging is refused': { step: 'stage', check: 'g4.received', end: 'failed' },
    'promoting is refused': { step: 'promote', check: 'g4.installed-tree', end: 'failed' },
    'tidying is refused': { step: 'tidy', check: undefined, end: 'failed' },
  };
  for (const [title, { step, check, end }] of Object.entries(REFUSED)) {
    it(`when ${title}, the run ends ${end} with the reason in the ledger`, async () => {
      world.steps[step] = async () => {
        throw new RejectedError('target-present', `something stands there ${'x'.repeat(9000)}`, { hint: 'look at it' });
      };
      await world.drive();
      expect(world.state()).to.deep.include({ phase: end, remaining: [] });
      const last = world.bodies().at(-1);
      expect(last?.type === 'phase-entered' && last.reason).to.match(
        /^target-present: something stands there x+\.\.\.$/,
      );
      if (check === undefined) return;
      const result = world.evidence().get(check)?.result;
      expect(result?.did).to.equal('block');
      expect(result?.did === 'block' && result.needs).to.deep.equal(['look at it']);
    });
  }

  it('when the removal of a rollback is refused, the run is failed and says why, and may be rolled back again', async () => {
    await world.drive();
    rollBack();
    world.steps.remove = async () => {
      throw new RejectedError('not-our-installation', 'this run did not make it');
    };
    await world.drive();
    expect(world.state()).to.deep.include({ phase: 'failed', remaining: [] });
    expect(world.bodies().at(-1)).to.deep.include({ reason: 'not-our-installation: this run did not make it' });
  });

  it('a failure between promotion and G5 is undone', async () => {
    world.checks.set('g4.one-path-added', () => ({ did: 'observe', observation: { ok: false } }));
    await world.drive();
    expect(world.state()).to.deep.include({ phase: 'failed', isPromoted: false });
    expect(world.done.slice(-3)).to.deep.equal(['rollback.removal', 'remove', 'tidy']);
  });

  it('tells how far it is, with the bytes of what is received', async () => {
    world.steps.receive = async (_opened, { onBytes }) => onBytes(5, 10);
    await world.drive();
    expect(world.progress).to.deep.include({ phase: 'fetching', doing: 'receive', doneBytes: 5, totalBytes: 10 });
    expect(world.progress).to.deep.include({ phase: 'checking', doing: 'observe no-env' });
  });

  it('a run that rests is left alone', async () => {
    await world.drive();
    const before = world.signed.traces();
    await world.drive();
    expect(world.signed.traces()).to.deep.equal(before);
  });
});

/** What became durable together, in order. */
function transactionsOf(boundaries: readonly string[]): string[][] {
  const transactions: string[][] = [];
  let wasRecorded = false;
  for (const boundary of boundaries) {
    const isRecorded = boundary.startsWith('recorded ');
    if (isRecorded && !wasRecorded) transactions.push([]);
    if (isRecorded) transactions.at(-1)?.push(boundary.slice('recorded '.length));
    wasRecorded = isRecorded;
  }
  return transactions;
}

/** An observation that passes, so many turns of the event loop from now. */
async function later(turns: number): Promise<EvidenceResult> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return { did: 'observe', observation: { ok: true } };
}
