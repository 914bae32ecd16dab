import { expect } from 'chai';

import { storeReport } from '../../../control-plane/gateway/store-report.ts';
import { admittedHost } from '../../../control-plane/store/hosts.ts';
import { sha256 } from '../../../shared/digest.ts';
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

/** What the host reports next, with outbox id 3. Whatever is refused leaves the two entries and position 2. */
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
    position: 2,
  },
  'an entry behind another history is refused': {
    report: ({ fork }) => entry(fork.message(2)),
    code: 'ledger-chain-broken',
    stored: 2,
    position: 2,
  },
  'an entry that leaves a gap is refused': {
    report: ({ other }) => entry(other.message(1)),
    code: 'ledger-chain-broken',
    stored: 2,
    position: 2,
  },
  'a head that another key has signed is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), head: ledger.headAt(2, { key: generateKey() }) }),
    code: 'signature-threshold-not-met',
    stored: 2,
    position: 2,
  },
  'an older head is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), head: ledger.headAt(1) }),
    code: 'ledger-head-mismatch',
    stored: 2,
    position: 2,
  },
  'a head over another history is refused': {
    report: ({ ledger, fork }) => entry({ ...ledger.message(2), head: fork.headAt(2) }),
    code: 'ledger-head-mismatch',
    stored: 2,
    position: 2,
  },
  'a head of another run is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), head: ledger.headAt(2, { run: 'another' }) }),
    code: 'ledger-head-of-another-run',
    stored: 2,
    position: 2,
  },
  'a head that is garbage is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), head: Buffer.from('garbage') }),
    code: 'envelope-malformed',
    stored: 2,
    position: 2,
  },
  'an entry that is garbage is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), entry: Buffer.from('garbage') }),
    code: 'not-canonical-json',
    stored: 2,
    position: 2,
  },
  'an entry with one more space is refused': {
    report: ({ ledger }) =>
      entry({ ...ledger.message(2), entry: Buffer.concat([ledger.message(2).entry, Buffer.from(' ')]) }),
    code: 'not-canonical-json',
    stored: 2,
    position: 2,
  },
  'an entry of another run under the name of this one is refused': {
    report: ({ ledger, other }) => entry({ ...other.message(0), runId: ledger.run }),
    code: 'ledger-entry-misplaced',
    stored: 2,
    position: 2,
  },
  'an entry of a run that nobody asked for is refused': {
    report: ({ ledger }) => entry({ ...ledger.message(2), runId: 'nobody-asked' }),
    code: 'run-unknown',
    stored: 2,
    position: 2,
  },
  'an outcome of a directive that was never given is refused': {
    report: () => ({ kind: 'directiveOutcome', directiveOutcome: { directiveSeq: 99, refusalCode: '' } }),
    code: 'directive-unknown',
    stored: 2,
    position: 2,
  },
  'a report of no kind that is known is refused': {
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
      { id, report },
    );
  };

  const onDisk = async () => {
    const { store: database } = world.controlPlane;
    const entries = await database.selectFrom('ledger_entries').select(['run_id', 'seq', 'digest']).execute();
    const { position } = await database.selectFrom('inbox_positions').select('position').executeTakeFirstOrThrow();
    const mine = entries.filter(({ run_id: run }) => run === scene.ledger.run);
    expect(entries.length).to.equal(mine.length);
    for (const { seq, digest } of mine) expect(digest).to.equal(scene.ledger.entryAt(seq).digest);
    return { stored: mine.length, position };
  };

  it('has a row for each report', () => {
    expect(Object.keys(REPORTS)).to.have.length(16);
  });

  for (const [story, { report, code, stored, position }] of Object.entries(REPORTS)) {
    it(story, async () => {
      expect(await codeOf(store(3, report(scene)))).to.equal(code);
      expect(await onDisk()).to.deep.equal({ stored, position });
    });
  }

  it('takes a report that came before without storing it twice', async () => {
    expect(await store(2, entry(scene.ledger.message(1)))).to.equal(undefined);
    expect(await onDisk()).to.deep.equal({ stored: 2, position: 2 });
  });

  it('refuses a first entry that admits another release than the one that was asked for', async () => {
    const liar = ledgerOf(
      scene.other.run,
      'as planned',
      host.identity.openLedgerKey(),
      Buffer.from('another statement'),
    );
    expect(await codeOf(store(3, entry(liar.message(0))))).to.equal('ledger-of-another-release');
    expect(await onDisk()).to.deep.equal({ stored: 2, position: 2 });
  });

  it('refuses the ledger of another host, even one that is signed well', async () => {
    const thief = await world.enrolledHost('web-2');
    const stolen = new TestLedger({
      run: scene.other.run,
      host: 'web-2',
      key: thief.identity.openLedgerKey(),
      statement: ONE.statement,
    });
    expect(await codeOf(store(1, entry(stolen.message(0)), 'web-2'))).to.equal('ledger-of-another-host');
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
