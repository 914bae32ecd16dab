/** What the journal lets go of, and what it never does: what waits for an answer, what stands, and what a rollback needs. */
import { expect } from 'chai';
import { followDirective } from '../../../host-agent/run/follow-directive.ts';
import type { RunState } from '../../../host-agent/run/machine.ts';
import { pruneJournal } from '../../../host-agent/run/prune-journal.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { directiveCodec } from '../../../shared/rpc/definitions.ts';
import { SignedWorld } from './signed-world.ts';

const MATERIALS = ['build-record', 'manifest', 'plan', 'policy', 'statement'];
const OVER: Partial<RunState> = { phase: 'rolledBack', remaining: [], isPromoted: false, isReported: true };

describe('pruning the journal', () => {
  let world: SignedWorld;
  beforeEach(() => {
    world = new SignedWorld();
  });
  afterEach(() => world[Symbol.dispose]());

  /** Runs in the order of their directives, each in that state, and everything acknowledged. */
  async function given(...states: Partial<RunState>[]): Promise<string[]> {
    const runs: string[] = [];
    for (const state of states) {
      const run = runId(runs.length);
      await follow(deployOf(run));
      world.store.facts(run).save('received', { files: 1 });
      world.store.commit(run, { state: { ...world.store.state(run), ...state }, bodies: [] });
      runs.push(run);
    }
    acknowledgeAll();
    return runs;
  }

  function deployOf(runIdOf: string): Parameters<typeof directiveCodec.encode>[0] {
    const { target: targetPath, statementDigest: statementSha256 = '' } = world.publish().request;
    return { kind: 'deploy', deploy: { runId: runIdOf, targetPath, statementSha256 } };
  }

  async function follow(directive: Parameters<typeof directiveCodec.encode>[0]): Promise<void> {
    const stored = { seq: world.directives.lastSeq() + 1, bytes: directiveCodec.encode(directive) };
    world.directives.accept(stored);
    await followDirective(stored, world.directiveMeans());
  }

  function acknowledgeAll(): void {
    world.outbox.acknowledge(world.outbox.pendingAfter(0, 10_000).at(-1)?.id ?? 0);
  }

  function leftOf(run: string): { materials: string[]; facts: number; entries: number; heads: number } {
    const count = (table: string) =>
      world.database.prepare<[string], number>(`select count(*) from ${table} where run = ?`).pluck().get(run) ?? 0;
    const names = world.database.prepare<[string], string>('select name from materials where run = ? order by name');
    return {
      materials: names.pluck().all(run),
      facts: count('facts'),
      entries: count('ledger_entries'),
      heads: count('ledger_heads'),
    };
  }

  const WHOLE = { materials: MATERIALS, facts: 2, entries: 1, heads: 1 };
  const PRUNED = { materials: ['statement'], facts: 0, entries: 0, heads: 1 };

  it('lets the oldest runs go that left nothing behind; their ends, statements and heads stay', async () => {
    const runs = await given(...Array(LIMITS.endedRunCount + 2).fill(OVER));
    expect(pruneJournal(world)).to.equal(2);
    expect(runs.map(leftOf)).to.deep.equal([PRUNED, PRUNED, ...Array(LIMITS.endedRunCount).fill(WHOLE)]);
    expect(runs.map((run) => world.store.state(run).phase)).to.deep.equal(runs.map(() => 'rolledBack'));
    expect(runs.map((run) => world.store.isPruned(run)).slice(0, 3)).to.deep.equal([true, true, false]);
    expect(pruneJournal(world)).to.equal(0);
  });

  const KEPT: Readonly<Record<string, Partial<RunState>>> = {
    'a proven run, whose installation stands': { ...OVER, phase: 'proven', isPromoted: true },
    'a failed run whose installation stands': { ...OVER, phase: 'failed', isPromoted: true },
    'a failed rollback': { ...OVER, phase: 'failed', isPromoted: true },
    'a run whose report is not recorded': { ...OVER, isReported: false },
    'a run that is rolling back': { ...OVER, phase: 'proven', remaining: [{ do: 'tidy' }] },
    'a run under way': { ...OVER, phase: 'checking', remaining: [{ do: 'tidy' }], isReported: false },
  };

  it('has a row for each run that is kept', () => expect(Object.keys(KEPT)).to.have.length(6));

  for (const [title, state] of Object.entries(KEPT)) {
    it(`keeps ${title}, however old it is`, async () => {
      const [kept = '', ...others] = await given(state, ...Array(LIMITS.endedRunCount + 1).fill(OVER));
      expect(pruneJournal(world)).to.equal(1);
      expect(leftOf(kept)).to.deep.equal(WHOLE);
      expect(leftOf(others[0] ?? '')).to.deep.equal(PRUNED);
    });
  }

  it('lets nothing go while one report waits to be acknowledged', async () => {
    await given(...Array(LIMITS.endedRunCount + 1).fill({ ...OVER, phase: 'failed' }));
    world.outbox.append(Buffer.from('a report'));
    const before = world.traces();
    expect(pruneJournal(world)).to.equal(0);
    expect(world.traces()).to.deep.equal(before);
    acknowledgeAll();
    expect(pruneJournal(world)).to.equal(1);
  });

  it('P8: lets all of it go or none', async () => {
    await given(...Array(LIMITS.endedRunCount + 2).fill(OVER));
    world.database.exec(`create temp trigger in_the_middle before delete on materials
      when (select count(*) from ledger_entries) < ${LIMITS.endedRunCount + 1} begin select raise(abort, 'no more'); end`);
    const before = world.traces();
    expect(() => pruneJournal(world)).to.throw('no more');
    expect(world.traces()).to.deep.equal(before);
  });

  it('P2: gives the id of a run that went to no other run, and rolls back nothing of it', async () => {
    const [oldest = ''] = await given(...Array(LIMITS.endedRunCount + 1).fill({ ...OVER, phase: 'failed' }));
    pruneJournal(world);
    const before = leftOf(oldest);
    await follow(deployOf(oldest));
    await follow({ kind: 'rollback', rollback: { runId: oldest } });
    await follow({ kind: 'recordReport', recordReport: { runId: oldest, documents: [], sinks: [] } });
    expect(world.refusals.map(({ code }) => code)).to.deep.equal([
      'run-id-repeated',
      'run-pruned',
      'report-recorded-already',
    ]);
    expect(leftOf(oldest)).to.deep.equal(before);
  });

  it('P9: begins no second ledger for a run that went', async () => {
    const [oldest = ''] = await given(...Array(LIMITS.endedRunCount + 1).fill(OVER));
    pruneJournal(world);
    const body = { type: 'phase-entered', from: 'rolledBack', to: 'failed', reason: 'again' } as const;
    expect(() => world.store.commit(oldest, { state: world.store.state(oldest), bodies: [body] })).to.throw(
      'begins with "phase-entered"',
    );
    expect(leftOf(oldest)).to.deep.equal(PRUNED);
  });

  it('lets handled directives go but for the newest, and their numbers go on', async () => {
    const count = LIMITS.handledDirectiveCount + 3;
    for (let at = 0; at < count; at += 1) {
      await follow({ kind: 'rollback', rollback: { runId: runId(0) } });
      acknowledgeAll();
    }
    pruneJournal(world);
    const kept = world.database.prepare<[], number>('select seq from directives order by seq').pluck().all();
    expect(kept).to.have.length(LIMITS.handledDirectiveCount);
    expect(kept.at(-1)).to.equal(count);
    expect(world.directives.lastSeq()).to.equal(count);
  });
});

function runId(at: number): string {
  return `01JD9QZ5X8M3K7T2B4N6P8R${String(at).padStart(3, '0')}`;
}
