/** P8: one step of a run is one transaction. Whatever goes wrong in the middle of it, nothing of it is there. */
import { expect } from 'chai';
import { admittedRun, type RunState } from '../../../host-agent/run/machine.ts';
import { RunStore } from '../../../host-agent/run/run-store.ts';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { type LedgerEntryBody, verifyChain } from '../../../shared/ledger/entry.ts';
import { assertHeadCovers, verifyHead } from '../../../shared/ledger/head.ts';
import { plannedChecks } from '../../../shared/ledger/planned-checks.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { codeOf } from '../../support/errors-of.ts';
import { HOST, SignedWorld } from './signed-world.ts';

const RUN = '01JD9QZ5X8M3K7T2B4N6P8R0AA';
const LATER = '01JD9QZ5X8M3K7T2B4N6P8R0BB';

function entered(reason: string): LedgerEntryBody {
  return { type: 'phase-entered', from: 'admitted', to: 'preflight', reason };
}

describe('runs in the journal', () => {
  let world: SignedWorld;
  beforeEach(async () => {
    world = new SignedWorld();
    await create(RUN, 1);
  });
  afterEach(() => world[Symbol.dispose]());

  async function create(run: string, directive: number, also: () => void = () => {}): Promise<void> {
    const { request } = world.publish();
    const { release, materials } = await world.admit(request);
    const { statement, statementDigest } = release;
    world.store.create(
      run,
      {
        directive,
        state: admittedRun(plannedChecks(release)),
        materials,
        body: {
          type: 'run-admitted',
          app: statement.app,
          version: statement.version,
          commit: statement.commit,
          statementDigest,
          treeDigest: statement.treeDigest,
          manifestDigest: statement.manifest.sha256,
          planDigest: statement.plan.sha256,
          buildRecordDigest: statement.buildRecord.sha256,
          policyDigest: 'a'.repeat(64),
          trust: ['root 1'],
          installPath: '/opt/dot/app-1.0',
          agentVersion: '0.0.0-test',
        },
      },
      also,
    );
  }

  function stateNow(): RunState {
    return world.store.state(RUN);
  }

  it('chains entries, and signs a head over all of them after each one', () => {
    for (const reason of ['one', 'two', 'three'])
      world.store.commit(RUN, { state: stateNow(), bodies: [entered(reason)] });
    world.store.commit(RUN, { state: stateNow(), bodies: [entered('four'), entered('five')] });
    const entries = world.store.entries(RUN);
    verifyChain(entries);
    expect(entries.map(({ entry }) => entry.seq)).to.deep.equal([0, 1, 2, 3, 4, 5]);
    const reports = world.reports().flatMap((report) => (report.kind === 'ledgerEntry' ? [report.ledgerEntry] : []));
    expect(reports).to.have.length(6);
    for (const [seq, { entry, head }] of reports.entries()) {
      expect(entry).to.deep.equal(entries[seq]?.bytes);
      const verified = verifyHead(head, { publicKey: world.hostKeyPem, run: RUN, host: HOST });
      assertHeadCovers(verified, entries.slice(0, seq + 1));
    }
  });

  it('gives unfinished runs in the order of their directives, whatever their ids', async () => {
    world.database.exec('update runs set directive = 9');
    await create(LATER, 4);
    expect(world.store.unfinished()).to.deep.equal([LATER, RUN]);
    world.store.commit(LATER, { state: { ...stateNow(), remaining: [] }, bodies: [] });
    expect(world.store.unfinished()).to.deep.equal([RUN]);
  });

  it('gives materials byte for byte, and facts as they were saved last', () => {
    const facts = world.store.facts(RUN);
    expect(facts.load('received')).to.equal(undefined);
    facts.save('received', { files: 1 });
    facts.save('received', { files: 2 });
    expect(world.store.facts(RUN).load('received')).to.deep.equal({ files: 2 });
    expect(Object.keys(world.store.materials(RUN)).sort()).to.deep.equal([
      'build-record',
      'manifest',
      'plan',
      'policy',
      'statement',
    ]);
  });

  const FAILURES: Record<string, { readonly arrange: () => void; readonly commit: () => void; readonly says: RegExp }> =
    {
      'the disk is full': {
        arrange: () => {
          world.database.pragma(`max_page_count = ${world.database.pragma('page_count', { simple: true })}`);
        },
        commit: () => commitMany(60),
        says: /full/,
      },
      'the disk is read-only': {
        arrange: () => world.database.pragma('query_only = 1'),
        commit: () => commitMany(1),
        says: /readonly/,
      },
      'the row of the outbox cannot be written': {
        arrange: () =>
          world.database.exec(`create temp trigger no_outbox before insert on outbox
          when (select count(*) from outbox) > 2 begin select raise(abort, 'no outbox'); end`),
        commit: () => commitMany(3),
        says: /no outbox/,
      },
      'the head cannot be written': {
        arrange: () =>
          world.database.exec(`create temp trigger no_head before update on ledger_heads
          begin select raise(abort, 'no head'); end`),
        commit: () => commitMany(1),
        says: /no head/,
      },
      'the last of several entries has no shape': {
        arrange: () => {},
        commit: () => {
          const bad = { ...entered('two'), to: 'enabled' } as unknown as LedgerEntryBody;
          world.store.commit(RUN, { state: changed(), bodies: [entered('one'), bad] });
        },
        says: /enabled|invalid/i,
      },
      'an entry is larger than whoever reads it will take': {
        arrange: () => {},
        commit: () => {
          const observation = { output: 'x'.repeat(LIMITS.ledgerEntryBytes) };
          const startedAt = '2026-11-22T10:00:00.000Z';
          const check = { check: 'unit', gate: 'G5', kind: 'exec', startedAt, durationMs: 1 };
          const evidence = { ...check, result: { did: 'observe' as const, observation } };
          world.store.commit(RUN, { state: changed(), bodies: [{ type: 'check-recorded', evidence }] });
        },
        says: /bytes, expected at most/,
      },
      'what comes with the step throws': {
        arrange: () => {},
        commit: () =>
          world.store.commit(RUN, { state: changed(), bodies: [entered('one')] }, () => {
            throw new Error('the directive is not there');
          }),
        says: /the directive is not there/,
      },
      'the run is not there': {
        arrange: () => {},
        commit: () => world.store.commit(LATER, { state: changed(), bodies: [] }),
        says: /not in the journal/,
      },
    };

  function changed(): RunState {
    return { ...stateNow(), phase: 'preflight' };
  }

  function commitMany(count: number): void {
    const bodies = Array.from({ length: count }, (_, index) => entered(`${index} ${'x'.repeat(4000)}`));
    world.store.commit(RUN, { state: changed(), bodies });
  }

  it('fails in at least eight ways', () => {
    expect(Object.keys(FAILURES).length).to.be.at.least(8);
  });

  for (const [title, { arrange, commit, says }] of Object.entries(FAILURES)) {
    it(`P8: nothing of a step is there when ${title}, and nobody is told of it`, () => {
      arrange();
      const before = world.traces();
      let announced = 0;
      world.outbox.onAppend(() => {
        announced += 1;
      });
      expect(commit).to.throw(says);
      expect(world.traces()).to.deep.equal(before);
      expect(announced).to.equal(0);
    });
  }

  it('P8: nothing of a new run is there when what comes with it throws', async () => {
    const before = world.traces();
    const failing = create(LATER, 2, () => {
      throw new Error('in the middle');
    });
    await failing.then(
      () => expect.fail('expected a failure'),
      (error: Error) => expect(error.message).to.equal('in the middle'),
    );
    expect(world.traces()).to.deep.equal(before);
    expect(world.store.has(LATER)).to.equal(false);
  });

  for (const [title, text] of Object.entries({
    'is no JSON': '{"phase":"prov',
    'has a phase that no machine has':
      '{"phase":"enabled","remaining":[],"statuses":[],"isPromoted":true,"isReported":true}',
    'has a step that no machine has':
      '{"phase":"proven","remaining":[{"do":"open-gate"}],"statuses":[],"isPromoted":true,"isReported":true}',
    'is nothing': '',
    'is null': 'null',
  })) {
    it(`a state that ${title} is told as damage, and is not gone on from`, async () => {
      world.database.prepare('update runs set state = ?').run(text);
      expect(await codeOf(() => world.store.state(RUN))).to.equal('journal-corrupt');
      expect(await codeOf(() => world.store.unfinished())).to.equal('journal-corrupt');
    });
  }

  it('an entry that was changed in the journal is told, not built upon', async () => {
    world.database.prepare('update ledger_entries set bytes = ?').run(encodeCanonical({ schema: 'other' }));
    const before = world.traces();
    expect(await codeOf(() => commitMany(1))).to.equal('ledger-entry-malformed');
    expect(world.traces()).to.deep.equal(before);
  });

  it('goes on from the disk alone: another store over the same journal continues the chain', () => {
    const other = new RunStore({
      database: world.database,
      outbox: world.outbox,
      host: HOST,
      hostKey: generateKey(),
      now: () => world.now,
      encodeLedgerReport: ({ entry }) => entry,
    });
    other.commit(RUN, { state: stateNow(), bodies: [entered('one')] });
    world.store.commit(RUN, { state: stateNow(), bodies: [entered('two')] });
    verifyChain(world.store.entries(RUN));
    expect(world.store.entries(RUN)).to.have.length(3);
  });
});
