import { expect } from 'chai';

import { storeReport } from '../../../control-plane/gateway/store-report.ts';
import { admittedHost } from '../../../control-plane/store/hosts.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { reportCodec } from '../../../shared/rpc/definitions.ts';
import type { LedgerEntry, Report } from '../../../shared/rpc/generated/messages.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { ControlPlaneWorld, type TestHost } from '../../support/control-plane-world.ts';
import { publishRelease } from '../../support/publish-release.ts';
import { codeOf } from '../../support/rejection-of.ts';
import { TestLedger } from '../../support/test-ledger.ts';
import { APP, testRelease } from '../../support/trust-ceremony.ts';

const ONE = testRelease('1.0');

interface Scene {
  /** Of a run whose first two entries are stored; it has a third. */
  readonly ledger: TestLedger;
  /** Of the same run, with another second entry. */
  readonly fork: TestLedger;
  /** Of another run, of which nothing is stored. */
  readonly other: TestLedger;
}

/** What the host reports next, with outbox id 3. Whatever is refused leaves the two entries, and is kept aside or not acknowledged. */
const REPORTS: Readonly<
  Record<string, { report: (scene: Scene) => Report; code: string; stored: number; position: number }>
> = {
  'the next entry is stored': {
    report: ({ ledger }) => entry(ledger.message(2)),
    code: 'nothing was refused',
    stored: 3,
    position: 3,
  },
  'an entry that is stored already is taken again without effect': {
    report: ({ ledger }) => entry(ledger.message(1)),
    code: 'nothing was refused',
    stored: 2,
    position: 3,
  },
  'another entry in a place that is taken is refused: history is not rewritten': {
    report: ({ fork }) => entry(fork.message(1)),
    code: 'ledger-contradicted',
    stored: 2,
    position: 3,
  },
  'an entry behind another history is refused': {
    report: ({ fork }) => entry(fork.message(2)),
    code: 'ledger-chain-broken',
    stored: 2,
    position: 3,
  },
  'an entry that leaves a gap is refused': {
    report: ({ other }) => entry(other.message(1)),
    code: 'ledger-chain-broken',
    stored: 2,
    position: 3,
  },
  'a head that another key has signed is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), head: ledger.headAt(2, { key: generateKey() }) }),
    code: 'signature-threshold-not-met',
    stored: 2,
    position: 3,
  },
  'an older head is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), head: ledger.headAt(1) }),
    code: 'ledger-head-mismatch',
    stored: 2,
    position: 3,
  },
  'a head over another history is refused': {
    report: ({ ledger, fork }) => entry({ ...ledger.message(2), head: fork.headAt(2) }),
    code: 'ledger-head-mismatch',
    stored: 2,
    position: 3,
  },
  'a head of another run is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), head: ledger.headAt(2, { run: 'another' }) }),
    code: 'ledger-head-of-another-run',
    stored: 2,
    position: 3,
  },
  'a head that is garbage is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), head: Buffer.from('garbage') }),
    code: 'envelope-malformed',
    stored: 2,
    position: 3,
  },
  'an entry that is garbage is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), entry: Buffer.from('garbage') }),
    code: 'not-canonical-json',
    stored: 2,
    position: 3,
  },
  'an entry with one more space is refused': {
    report: ({ ledger }) =>
      entry({ ...ledger.message(2), entry: Buffer.concat([ledger.message(2).entry, Buffer.from(' ')]) }),
    code: 'not-canonical-json',
    stored: 2,
    position: 3,
  },
  'an entry of another run under the name of this one is refused': {
    report: ({ ledger, other }) => entry({ ...other.message(0), runId: ledger.run }),
    code: 'ledger-entry-misplaced',
    stored: 2,
    position: 3,
  },
  'an entry of a run that nobody asked for is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), runId: 'nobody-asked' }),
    code: 'run-unknown',
    stored: 2,
    position: 3,
  },
  'an outcome of a directive that was never given is refused': {
    report: () => ({ kind: 'directiveOutcome', directiveOutcome: { directiveSeq: 99, refusalCode: '' } }),
    code: 'directive-unknown',
    stored: 2,
    position: 3,
  },
  'an outcome whose code is no code is refused: it stands in every list of runs': {
    report: () => ({
      kind: 'directiveOutcome',
      directiveOutcome: { directiveSeq: 1, refusalCode: 'x'.repeat(1_000_000) },
    }),
    code: 'report-malformed',
    stored: 2,
    position: 3,
  },
  'an outcome whose code would move the cursor of a terminal is refused': {
    report: () => ({ kind: 'directiveOutcome', directiveOutcome: { directiveSeq: 1, refusalCode: '\u001b[2J' } }),
    code: 'report-malformed',
    stored: 2,
    position: 3,
  },
  'a report of no kind that is known is refused, and not acknowledged: a newer control plane may know it': {
    report: () => ({}),
    code: 'report-malformed',
    stored: 2,
    position: 2,
  },
};

describe('control-plane/gateway/store-report', () => {
  let world: ControlPlaneWorld;
  let host: TestHost;
  let scene: Scene;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    host = await world.enrolledHost('web-1');
    await publishRelease(world, [ONE]);
    const [run, another] = [await deploy(), await deploy()];
    scene = {
      ledger: ledgerOf(run, 'as planned'),
      fork: ledgerOf(run, 'a better story'),
      other: ledgerOf(another, 'as planned'),
    };
    for (const id of [1, 2]) await store(id, entry(scene.ledger.message(id - 1)));
  });
  afterEach(() => world.stop());

  const deploy = async (): Promise<string> =>
    (await (await world.operator('operator')).deploy({ host: 'web-1', app: APP, version: '1.0' })).runId;

  const ledgerOf = (
    run: string,
    reason: string,
    key = host.identity.openLedgerKey(),
    statement: Uint8Array = ONE.statement,
  ): TestLedger => {
    const ledger = new TestLedger({ run, host: 'web-1', key, statement });
    ledger.enter('preflight', reason);
    ledger.enter('proven', reason);
    return ledger;
  };

  const store = async (id: number, report: Report, name = 'web-1') => {
    const record = await admittedHost(world.controlPlane.store, name);
    const identity = { kind: 'host', host: name, serial: '', expiresAt: 0 } as const;
    const { incarnation, ledger_public_key: ledgerPublicKey } = record;
    return storeReport(
      world.controlPlane.store,
      { identity, host: name, incarnation, ledgerPublicKey },
      { id, report, now: world.clock.now() },
    );
  };

  /** The code of what was refused, kept aside or not. */
  const refusalOf = (stored: ReturnType<typeof store>): Promise<string> =>
    codeOf(
      stored.then((fate) => {
        if (fate.kind === 'refused') throw fate.error;
      }),
    );

  const onDisk = async () => {
    const { store: database } = world.controlPlane;
    const entries = await database.selectFrom('ledger_entries').select(['run_id', 'seq', 'digest']).execute();
    const { position } = await database.selectFrom('inbox_positions').select('position').executeTakeFirstOrThrow();
    const mine = entries.filter(({ run_id: run }) => run === scene.ledger.run);
    expect(entries.length).to.equal(mine.length);
    for (const { seq, digest } of mine) expect(digest).to.equal(scene.ledger.entryAt(seq).digest);
    return { stored: mine.length, position };
  };

  const aside = () =>
    world.controlPlane.store.selectFrom('refused_reports').select(['id', 'code', 'bytes']).orderBy('id').execute();

  it('has a row for each report', () => {
    expect(Object.keys(REPORTS)).to.have.length(18);
  });

  for (const [story, { report, code, stored, position }] of Object.entries(REPORTS)) {
    it(story, async () => {
      const said = report(scene);
      expect(await refusalOf(store(3, said))).to.equal(code);
      expect(await onDisk()).to.deep.equal({ stored, position });
      const isKeptAside = code !== 'nothing was refused' && position === 3;
      expect(await aside()).to.deep.equal(isKeptAside ? [{ id: 3, code, bytes: reportCodec.encode(said) }] : []);
    });
  }

  it('takes a report that came before without storing it twice', async () => {
    expect(await store(2, entry(scene.ledger.message(1)))).to.deep.equal({ kind: 'repeated' });
    expect(await onDisk()).to.deep.equal({ stored: 2, position: 2 });
  });

  it('refuses a first entry that admits another release than the one that was asked for', async () => {
    const liar = ledgerOf(
      scene.other.run,
      'as planned',
      host.identity.openLedgerKey(),
      Buffer.from('another statement'),
    );
    expect(await refusalOf(store(3, entry(liar.message(0))))).to.equal('ledger-of-another-release');
    expect(await onDisk()).to.deep.equal({ stored: 2, position: 3 });
  });

  it('refuses the ledger of another host, even one that is signed well', async () => {
    const thief = await world.enrolledHost('web-2');
    const stolen = new TestLedger({
      run: scene.other.run,
      host: 'web-2',
      key: thief.identity.openLedgerKey(),
      statement: ONE.statement,
    });
    expect(await refusalOf(store(1, entry(stolen.message(0)), 'web-2'))).to.equal('ledger-of-another-host');
  });

  it('hears the reports behind one that is refused, and tells people of it', async () => {
    await store(3, { kind: 'directiveOutcome', directiveOutcome: { directiveSeq: 99, refusalCode: '' } });
    expect(await store(4, entry(scene.ledger.message(2)))).to.include({ kind: 'stored', isSettled: true });
    expect(await onDisk()).to.deep.equal({ stored: 3, position: 4 });
    const [listed] = (await (await world.operator('viewer')).listHosts({})).hosts;
    expect(listed).to.include({ refusedReportCount: 1, lastReportRefusal: 'directive-unknown' });
  });

  it('keeps no more aside than the bound: what comes then is not acknowledged', async () => {
    const { store: database } = world.controlPlane;
    const row = { host: 'web-1', incarnation: 1, code: 'run-unknown', received_at: 1 };
    await database
      .insertInto('refused_reports')
      .values({ ...row, id: 0, bytes: Buffer.alloc(LIMITS.refusedReportBytes) })
      .execute();
    const unknown = (): Report => ({
      kind: 'directiveOutcome',
      directiveOutcome: { directiveSeq: 99, refusalCode: '' },
    });
    expect(await codeOf(store(3, unknown()))).to.equal('directive-unknown');
    await database.deleteFrom('refused_reports').execute();
    const many = Array.from({ length: LIMITS.refusedReportCount }, (_, id) => ({
      ...row,
      id: -id,
      bytes: Buffer.alloc(0),
    }));
    await database.insertInto('refused_reports').values(many).execute();
    expect(await codeOf(store(3, unknown()))).to.equal('directive-unknown');
    expect(await onDisk()).to.deep.equal({ stored: 2, position: 2 });
    expect(await store(3, entry(scene.ledger.message(2)))).to.include({ kind: 'stored' });
  });

  it('keeps the newest head alone', async () => {
    await store(3, entry(scene.ledger.message(2)));
    const heads = await world.controlPlane.store.selectFrom('ledger_heads').selectAll().execute();
    expect(heads.map(({ size, envelope }) => [size, sha256(envelope)])).to.deep.equal([
      [3, sha256(scene.ledger.headAt(2))],
    ]);
  });
});

function entry(ledgerEntry: LedgerEntry): Report {
  return { kind: 'ledgerEntry', ledgerEntry };
}
