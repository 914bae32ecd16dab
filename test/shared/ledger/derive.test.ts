import { expect } from 'chai';
import fc from 'fast-check';
import { deriveSummary, type LedgerMaterial } from '../../../shared/ledger/derive.ts';
import type { LedgerEntryBody } from '../../../shared/ledger/entry.ts';
import { type EvidenceResult, evidenceSchema } from '../../../shared/ledger/evidence.ts';
import { plannedChecks, removalCheck } from '../../../shared/ledger/planned-checks.ts';
import type { Status } from '../../../shared/ledger/status.ts';
import {
  DEFAULT_GATES,
  type LedgerFixture,
  ledgerFixture,
  PROMISED,
  saw,
  sealAll,
} from '../../support/ledger-fixture.ts';

/** What can become of one check's evidence, and the status that it must lead to. */
type Fate =
  | 'passed'
  | 'unmet'
  | 'gap'
  | 'blocked'
  | 'lost'
  | 'not-run'
  | 'missing'
  | 'malformed'
  | 'other-kind'
  | 'other-gate'
  | 'unsigned';

const RESULTS: Readonly<Partial<Record<Fate, EvidenceResult>>> = {
  passed: saw(PROMISED),
  unmet: saw('something else'),
  gap: { did: 'leave-a-gap', statement: 'not provable here', owner: 'ops', route: 'later' },
  blocked: { did: 'block', reason: 'no sandbox', needs: ['bubblewrap'] },
  lost: { did: 'lose', reason: 'the host restarted' },
  'not-run': { did: 'not-run', reason: 'an earlier gate failed' },
  malformed: { did: 'observe', observation: { saw: 7 } },
  'other-kind': saw(PROMISED),
  'other-gate': saw(PROMISED),
  unsigned: saw(PROMISED, { aside: 'not in the build record' }),
};

const AT = '2026-05-21T09:00:00.000Z';
const OTHER_GAP = { id: 'counts', kind: 'sql', params: {}, timeoutMs: 1000 };

const base = ledgerFixture();
const planned = plannedChecks(base.release);
const buildChecks = planned.filter(({ seenBy }) => seenBy === 'build').map(({ id }) => id);

function statusOfFate(fate: Fate, id: string): Status {
  const isBuild = buildChecks.includes(id);
  switch (fate) {
    case 'passed':
      return 'PASS';
    case 'unmet':
      return isBuild ? 'UNKNOWN' : 'FAIL';
    case 'gap':
      return isBuild ? 'UNKNOWN' : 'PARTIAL';
    case 'blocked':
      return 'BLOCKED';
    case 'not-run':
    case 'missing':
      return 'NOT_RUN';
    case 'unsigned':
      return isBuild ? 'UNKNOWN' : 'PASS';
    default:
      return 'UNKNOWN';
  }
}

function bodiesOf(fates: Readonly<Record<string, Fate>>): LedgerEntryBody[] {
  return base.entries.flatMap(({ entry: { body } }): LedgerEntryBody[] => {
    if (body.type !== 'check-recorded') return [body];
    const { evidence } = body;
    const fate = fates[evidence.check] ?? 'passed';
    if (fate === 'missing') return [];
    if (fate === 'passed') return [body];
    const other = { ...(fate === 'other-kind' && { kind: 'exec-2' }), ...(fate === 'other-gate' && { gate: 'G1-B' }) };
    return [{ ...body, evidence: { ...evidence, ...other, result: RESULTS[fate] ?? evidence.result } }];
  });
}

function materialOf(bodies: readonly LedgerEntryBody[], changes: Partial<LedgerMaterial> = {}): LedgerMaterial {
  const { release, kinds, buildRecord } = { ...base, buildRecord: base.read().buildRecord };
  const entries = sealAll(bodies, { run: 'run-7', host: 'devhost-1' });
  return { entries, release, kinds, buildRecord, acceptedGaps: [], requiredGates: [], ...changes };
}

function rowsOf(material: LedgerMaterial) {
  return deriveSummary(material).gates.flatMap((gate) => gate.checks);
}

const fates: readonly Fate[] = [
  'passed',
  'unmet',
  'gap',
  'blocked',
  'lost',
  'not-run',
  'missing',
  'malformed',
  'other-kind',
  'other-gate',
  'unsigned',
];

describe('shared/ledger/derive', () => {
  it('finds the status of each check from its evidence alone, in 2,500 mixed ledgers', () => {
    const seen = new Map<Status, number>();
    const anyFate = fc.oneof({ weight: 4, arbitrary: fc.constant<Fate>('passed') }, fc.constantFrom(...fates));
    const anyLedger = fc.record(Object.fromEntries(planned.map(({ id }) => [id, anyFate])));
    const details = fc.check(
      fc.property(anyLedger, (byCheck) => {
        const summary = deriveSummary(materialOf(bodiesOf(byCheck)));
        for (const row of summary.gates.flatMap((gate) => gate.checks)) {
          expect(row.status, row.id).to.equal(statusOfFate(byCheck[row.id] as Fate, row.id));
          seen.set(row.status, (seen.get(row.status) ?? 0) + 1);
        }
        expect(summary.verdict === 'A').to.equal(
          planned.every(({ id }) => statusOfFate(byCheck[id] as Fate, id) === 'PASS'),
        );
        for (const gate of summary.gates) {
          expect(gate.status === 'PASS').to.equal(gate.checks.every((row) => row.status === 'PASS'));
        }
      }),
      { numRuns: 2500 },
    );
    expect(details.failed, fc.defaultReportMessage(details)).to.equal(false);
    expect(details.numRuns).to.equal(2500);
    expect([...seen.keys()]).to.have.members(['PASS', 'PARTIAL', 'NOT_RUN', 'UNKNOWN', 'BLOCKED', 'FAIL']);
    console.log(
      `      ${details.numRuns} ledgers, ${[...seen.values()].reduce((sum, count) => sum + count, 0)} checks`,
    );
  }).timeout(60_000);

  for (const fate of fates.filter((each) => each !== 'passed')) {
    it(`gives no A when a single check is "${fate}", whichever it is`, () => {
      for (const { id } of planned) {
        const summary = deriveSummary(materialOf(bodiesOf({ [id]: fate })));
        expect(summary.verdict === 'A', id).to.equal(statusOfFate(fate, id) === 'PASS');
      }
    });
  }

  it('takes the first evidence of a check: a later, better one changes nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...fates), fc.constantFrom(...planned.map(({ id }) => id)), (fate, id) => {
        if (fate === 'missing') return;
        const bodies = bodiesOf({ [id]: fate });
        const again = bodiesOf({}).filter((body) => body.type === 'check-recorded' && body.evidence.check === id);
        const rows = rowsOf(materialOf([...bodies, ...again, ...again]));
        expect(rows.find((row) => row.id === id)?.status).to.equal(statusOfFate(fate, id));
      }),
      { numRuns: 300 },
    );
  });

  it('ignores evidence of checks that the signed plan does not have', () => {
    const extra = bodiesOf({}).find((body) => body.type === 'check-recorded');
    const forged = { ...extra, evidence: { ...(extra as { evidence: object }).evidence, check: 'not-planned' } };
    const rows = rowsOf(materialOf([...bodiesOf({}), forged as LedgerEntryBody]));
    expect(rows.map((row) => row.id)).to.deep.equal(planned.map(({ id }) => id));
  });

  it('has no place where evidence could supply a status', () => {
    const evidence = base.entries
      .map(({ entry }) => entry.body)
      .find((body) => body.type === 'check-recorded')?.evidence;
    for (const name of ['status', 'verdict', 'expectations', 'met', 'pass']) {
      expect(evidenceSchema.safeParse({ ...evidence, [name]: 'PASS' }).success, name).to.equal(false);
      const result = { did: 'observe', observation: {}, [name]: 'PASS' };
      expect(evidenceSchema.safeParse({ ...evidence, result }).success, name).to.equal(false);
    }
    expect(evidenceSchema.safeParse(evidence).success).to.equal(true);
  });

  it('proves nothing by a check whose kind this version does not know', () => {
    const kinds = new Map([...base.kinds].filter(([kind]) => kind !== 'refuses-live'));
    const row = rowsOf(materialOf(bodiesOf({}), { kinds })).find(({ id }) => id === 'no-live');
    expect(row?.status).to.equal('UNKNOWN');
  });

  it('proves nothing by a judge without expectations', () => {
    const silent = { ...base.kinds.get('exec'), judge: () => ({ expectations: [], findings: [] }) };
    const kinds = new Map([...base.kinds, ['exec', silent as never]]);
    const row = rowsOf(materialOf(bodiesOf({}), { kinds })).find(({ id }) => id === 'unit');
    expect(row?.status).to.equal('UNKNOWN');
  });

  it('believes a build observation only when the signed build record holds the same, of the same kind and gate', () => {
    const { buildRecord } = base.read();
    const altered = [
      { checks: [] },
      { checks: buildRecord.checks.map((check) => ({ ...check, kind: 'other' })) },
      {
        checks: buildRecord.checks.map((check) => ({
          ...check,
          gate: check.gate === 'G0' ? ('G1' as const) : ('G0' as const),
        })),
      },
      { checks: buildRecord.checks.map((check) => ({ ...check, observation: { saw: 'other' } })) },
    ];
    for (const change of altered) {
      const rows = rowsOf(materialOf(bodiesOf({}), { buildRecord: { ...buildRecord, ...change } }));
      expect(rows.filter((row) => row.status === 'UNKNOWN').map((row) => row.id)).to.deep.equal(buildChecks);
    }
  });

  describe('sub-gaps', () => {
    const accept = [{ gate: 'G6', checkKind: 'dryrun', owner: 'team-b', route: 'O7', maxAgeDays: 30 }];

    it('accepts a gap of the gate and kind that the policy names, with its owner, route and expiry', () => {
      const summary = deriveSummary(materialOf(bodiesOf({ dry: 'gap' }), { acceptedGaps: accept }));
      expect(summary.verdict).to.equal('B');
      expect(summary.subGaps).to.deep.equal([
        {
          id: 'SUBGAP-G6-DRY',
          gate: 'G6',
          check: 'dry',
          statement: 'not provable here',
          owner: 'team-b',
          route: 'O7',
          expiresAt: '2026-06-20T09:00:00.000Z',
          accepted: true,
          evidenceId: 'run-7#22',
        },
      ]);
    });

    it('does not accept a gap of another gate or kind, and never counts one as a pass', () => {
      for (const acceptedGaps of [[], [{ ...accept[0]!, gate: 'G5' }], [{ ...accept[0]!, checkKind: 'exec' }]]) {
        const summary = deriveSummary(materialOf(bodiesOf({ dry: 'gap' }), { acceptedGaps }));
        expect(summary.verdict).to.equal('D');
        expect(summary.subGaps[0]?.accepted).to.equal(false);
      }
    });

    it('takes no gap for what the build machine saw and the release engineers signed, whatever the policy accepts', () => {
      const acceptedGaps = [{ ...accept[0]!, gate: 'G1', checkKind: 'source-tests' }];
      const bodies = bodiesOf({ 'g1.source-tests': 'gap' });
      const signed = deriveSummary(materialOf(bodies, { acceptedGaps }));
      expect([signed.verdict, signed.subGaps]).to.deep.equal(['D', []]);
      const { buildRecord } = base.read();
      const checks = buildRecord.checks.filter(({ check }) => check !== 'g1.source-tests');
      const untested = deriveSummary(materialOf(bodies, { acceptedGaps, buildRecord: { ...buildRecord, checks } }));
      expect([untested.verdict, untested.subGaps[0]?.id]).to.deep.equal(['B', 'SUBGAP-G1-G1.SOURCE-TESTS']);
    });

    it('accepts a gate with two gaps only when the policy accepts both', () => {
      const gates = [{ ...DEFAULT_GATES[1]!, checks: [...DEFAULT_GATES[1]!.checks, OTHER_GAP] }];
      const results = { dry: RESULTS.gap, counts: RESULTS.gap };
      const verdictOf = (kinds: readonly string[]) =>
        ledgerFixture({ gates, results, accept: kinds.map((checkKind) => ({ ...accept[0]!, checkKind })) }).read()
          .summary.verdict;
      expect([[], ['dryrun'], ['sql'], ['dryrun', 'sql']].map(verdictOf)).to.deep.equal(['D', 'D', 'D', 'B']);
    });

    it('keeps a failure a failure beside an accepted gap', () => {
      const summary = deriveSummary(materialOf(bodiesOf({ dry: 'gap', unit: 'unmet' }), { acceptedGaps: accept }));
      expect(summary.verdict).to.equal('C');
    });
  });

  it('shows a gate that the policy requires and the plan leaves out as not run', () => {
    const fixture: LedgerFixture = ledgerFixture({ requiredGates: ['G5', 'SECURITY'] });
    const { gates, verdict } = fixture.read().summary;
    expect(gates.at(-1)).to.deep.include({ gate: 'SECURITY', status: 'NOT_RUN', checks: [] });
    expect(verdict).to.equal('D');
  });

  it('judges a removal once one was begun, and until then has no row for it', () => {
    const removal = removalCheck(base.release);
    const kinds = new Map([...base.kinds, [removal.kind, { ...base.kinds.get('exec'), kind: removal.kind } as never]]);
    const recorded = (result: EvidenceResult): LedgerEntryBody => ({
      type: 'check-recorded',
      evidence: { check: removal.id, gate: removal.gate, kind: removal.kind, startedAt: AT, durationMs: 1, result },
    });
    const statusOf = (...more: LedgerEntryBody[]) => {
      const summary = deriveSummary(materialOf([...bodiesOf({}), ...more], { kinds }));
      return [summary.gates.find(({ gate }) => gate === 'ROLLBACK')?.status, summary.verdict];
    };
    expect(statusOf()).to.deep.equal([undefined, 'A']);
    expect(statusOf(recorded(saw(PROMISED)))).to.deep.equal(['PASS', 'A']);
    expect(statusOf(recorded(saw('the path is still there')))).to.deep.equal(['FAIL', 'C']);
    expect(statusOf(recorded({ did: 'lose', reason: 'power cut' }))).to.deep.equal(['UNKNOWN', 'D']);
  });

  it('carries findings forward with the entry that they come from', () => {
    const fixture = ledgerFixture({ results: { unit: saw(PROMISED, { notes: ['pytest is absent', 'slow'] }) } });
    const { findings, verdict } = fixture.read().summary;
    expect(verdict).to.equal('A');
    const place = { gate: 'G5', check: 'unit', evidenceId: 'run-7#20' };
    expect(findings).to.deep.equal([
      { code: 'noted', statement: 'pytest is absent', ...place, index: 0, again: [] },
      { code: 'noted', statement: 'slow', ...place, index: 1, again: [] },
    ]);
  });

  it('makes one finding of a fact that several checks found, and says where each of them did', () => {
    const notes = { unit: ['slow', 'slow'], 'no-live': ['other', 'slow'], 'g7.nothing-runs': ['slow ', 'slow'] };
    const results = Object.fromEntries(Object.entries(notes).map(([id, each]) => [id, saw(PROMISED, { notes: each })]));
    const { findings } = ledgerFixture({ results }).read().summary;
    expect(
      findings.map(({ statement, check, again }) => [
        statement,
        check,
        again.map((place) => `${place.gate} ${place.check} ${place.index} ${place.evidenceId}`),
      ]),
    ).to.deep.equal([
      ['slow', 'unit', ['G5 unit 1 run-7#20', 'G5 no-live 1 run-7#21', 'G7 g7.nothing-runs 1 run-7#25']],
      ['other', 'no-live', []],
      ['slow ', 'g7.nothing-runs', []],
    ]);
  });
});
