/** The document of `keyturn ledger --json`: its members are relied on by scripts, so a change of them shows here. */
import { expect } from 'chai';
import { ledgerJson, runTimes } from '../../../control-plane/cli/ledger-json.ts';
import { ledgerFixture, saw } from '../../support/ledger-fixture.ts';

/** A second before the fixture's first entry. */
const ORDERED_AT = Date.UTC(2026, 4, 21, 8, 59, 59);

interface Shown {
  readonly [member: string]: unknown;
  readonly gates: readonly {
    readonly [member: string]: unknown;
    readonly checks: readonly Record<string, unknown>[];
  }[];
  readonly findings: readonly object[];
  readonly subGaps: readonly object[];
}

const CAPSULE = {
  argv: ['python3'],
  ended: 'exit 1',
  lastOutput: 'FAILED',
  outputBytes: 6,
  limitsHit: [],
  environmentDigest: 'e'.repeat(64),
  sandbox: 'bubblewrap',
};

describe('the ledger as a document', () => {
  const fixture = ledgerFixture({
    results: {
      unit: saw('1 of 366 failed', { notes: ['pytest is absent'] }),
      dry: { did: 'leave-a-gap', statement: 'no DSN', owner: 'ops', route: 'by hand' },
    },
    capsules: { unit: CAPSULE },
  });
  // Through JSON, as a script reads it: members without a value are not there.
  const shown = JSON.parse(JSON.stringify(ledgerJson(fixture.read(), { createdAtMs: ORDERED_AT }))) as Shown;
  const check = (id: string) => shown.gates.flatMap(({ checks }) => checks).find((row) => row.id === id) ?? {};

  const MEMBERS: readonly { name: string; of: () => object; are: readonly string[] }[] = [
    {
      name: 'the whole',
      of: () => shown,
      are: [
        'run',
        'host',
        'release',
        'commit',
        'treeDigest',
        'installPath',
        'phase',
        'verdict',
        'head',
        'orderedAt',
      ].concat(['settledAt', 'durationMs', 'ownMs', 'gates', 'findings', 'subGaps', 'rulings']),
    },
    { name: 'its head', of: () => shown.head as object, are: ['size', 'digest'] },
    { name: 'a gate', of: () => shown.gates[0] ?? {}, are: ['gate', 'status', 'checks'] },
    {
      name: 'a check that observed',
      of: () => check('no-live'),
      are: ['id', 'kind', 'status', 'evidenceId', 'durationMs', 'expectations', 'observation'],
    },
    {
      name: 'a check that failed',
      of: () => check('unit'),
      are: ['id', 'kind', 'status', 'evidenceId', 'durationMs', 'expectations', 'observation', 'capsule'],
    },
    {
      name: 'a finding',
      of: () => shown.findings[0] ?? {},
      are: ['code', 'statement', 'check', 'gate', 'index', 'evidenceId', 'again'],
    },
    {
      name: 'a sub-gap',
      of: () => shown.subGaps[0] ?? {},
      are: ['id', 'gate', 'check', 'statement', 'owner', 'route', 'accepted', 'evidenceId'],
    },
  ];
  it('has seven shapes', () => expect(MEMBERS).to.have.length(7));
  for (const { name, of, are } of MEMBERS) {
    it(`has the members of ${name}`, () => expect(Object.keys(of())).to.have.members(are));
  }

  it('is of one host, one release, and the verdict that follows', () => {
    expect(shown).to.include({ run: 'run-7', host: 'devhost-1', release: 'iu-cutter@0.6', verdict: 'C' });
    expect(shown.head).to.deep.equal({ size: fixture.headFacts.size, digest: fixture.headFacts.head });
  });

  it('counts from the order to the last entry, and the payload apart', () => {
    const ledger = fixture.read();
    const times = runTimes(ledger, { createdAtMs: ORDERED_AT });
    const last = Date.parse(ledger.entries.at(-1)?.entry.at ?? '');
    expect(times.durationMs).to.equal(last - ORDERED_AT);
    const payload = ledger.summary.gates
      .flatMap(({ checks }) => checks)
      .filter(({ kind }) => ['exec', 'refuses-live', 'dryrun'].includes(kind))
      .reduce((sum, { durationMs }) => sum + durationMs, 0);
    expect(times.durationMs - times.ownMs)
      .to.be.above(0)
      .and.at.most(payload);
  });

  const SPANS: readonly {
    readonly what: string;
    readonly spans: readonly [number, number][];
    readonly payloadMs: number;
  }[] = [
    {
      what: 'one behind the other',
      spans: [
        [100, 50],
        [150, 50],
      ],
      payloadMs: 100,
    },
    {
      what: 'with a pause between them',
      spans: [
        [100, 50],
        [300, 50],
      ],
      payloadMs: 100,
    },
    {
      what: 'side by side',
      spans: [
        [100, 50],
        [120, 80],
      ],
      payloadMs: 100,
    },
    {
      what: 'one within the other',
      spans: [
        [100, 200],
        [150, 50],
      ],
      payloadMs: 200,
    },
    {
      what: 'at the same instant',
      spans: [
        [100, 50],
        [100, 70],
      ],
      payloadMs: 70,
    },
    {
      what: 'in another order than they began',
      spans: [
        [150, 100],
        [100, 100],
      ],
      payloadMs: 150,
    },
    { what: 'no time at all', spans: [[100, 0]], payloadMs: 0 },
  ];
  it('has seven ways to run commands', () => expect(SPANS).to.have.length(7));
  for (const { what, spans, payloadMs } of SPANS) {
    it(`counts the time of commands once: ${what}`, () => {
      const ledger = fixture.read();
      const unit = ledger.summary.gates.flatMap(({ checks }) => checks).find(({ id }) => id === 'unit');
      if (!unit?.evidence) throw new Error('the fixture has no evidence of "unit"');
      const { evidence } = unit;
      const checks = spans.map(([startMs, durationMs]) => {
        const startedAt = new Date(ORDERED_AT + startMs).toISOString();
        return { ...unit, durationMs, evidence: { ...evidence, startedAt, durationMs } };
      });
      const summary = {
        ...ledger.summary,
        gates: [{ gate: 'G5', status: 'PASS' as const, gapsAccepted: true, checks }],
      };
      const { durationMs, ownMs } = runTimes({ ...ledger, summary }, { createdAtMs: ORDERED_AT });
      expect(durationMs - ownMs).to.equal(payloadMs);
    });
  }

  it('does not count what a clock that differs would make negative', () => {
    expect(runTimes(fixture.read(), { createdAtMs: ORDERED_AT + 86_400_000 })).to.include({ durationMs: 0, ownMs: 0 });
  });
});
