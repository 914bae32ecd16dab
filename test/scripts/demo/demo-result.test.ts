import { expect } from 'chai';
import { type LedgerDocument, resultOf, resultOfRefusal } from '../../../scripts/demo/demo-result.ts';

type Check = LedgerDocument['gates'][number]['checks'][number];

const KEYS = [
  'verdict',
  'gates',
  'tests',
  'files',
  'anchorsUnchanged',
  'executionEnabled',
  'durationMs',
  'ownMs',
  'report',
  'enabled',
  'liveRows',
  'kill',
  'replayRefused',
];

describe('the last line of the demo', () => {
  it('has the same members, whether or not there is a ledger', () => {
    expect(Object.keys(result([]))).to.deep.equal(KEYS);
    expect(Object.keys(resultOfRefusal(7))).to.deep.equal(KEYS);
  });

  it('tells of a refused release nothing that no host has seen', () => {
    expect(resultOfRefusal(7)).to.deep.equal({
      verdict: null,
      gates: [],
      tests: null,
      files: 0,
      anchorsUnchanged: null,
      executionEnabled: null,
      durationMs: 7,
      ownMs: 7,
      report: null,
      enabled: null,
      liveRows: null,
      kill: null,
      replayRefused: null,
    });
  });

  it('tells what people decided, where the demo got to that', () => {
    const governed = {
      enabled: { admitted: true, threshold: '2 operations + 1 security' },
      liveRows: 55,
      kill: { orderedToDurableMs: 9, orderedToGoneMs: 31 },
      replayRefused: 'order-of-another-epoch',
    };
    const ledger = { verdict: 'A', durationMs: 2, ownMs: 1, gates: [] };
    const told = resultOf(ledger, { report: '/report/08-final-report.md', governed });
    expect(told).to.deep.include(governed);
    expect(Object.keys(told)).to.deep.equal(KEYS);
  });

  it('counts the largest suite that a host ran', () => {
    const small = check({ kind: 'exec', observation: { tests: { ran: 3, passed: 3 } } });
    const large = check({ kind: 'exec', observation: { tests: { ran: 9, passed: 8 } } });
    expect(result([small, large]).tests).to.deep.equal({ ran: 9, passed: 8 });
    expect(result([check({ kind: 'file' })]).tests).to.equal(null);
  });

  const CLAIMS: readonly { name: string; status: string; unchanged: boolean | null; enabled: boolean | null }[] = [
    { name: 'a pass is a proof', status: 'PASS', unchanged: true, enabled: false },
    { name: 'a failure is the contrary', status: 'FAIL', unchanged: false, enabled: true },
    { name: 'what was not run says nothing', status: 'NOT_RUN', unchanged: null, enabled: null },
    { name: 'what was blocked says nothing', status: 'BLOCKED', unchanged: null, enabled: null },
    { name: 'what is unknown says nothing', status: 'UNKNOWN', unchanged: null, enabled: null },
  ];

  it('has 5 rows', () => {
    expect(CLAIMS).to.have.length(5);
  });

  for (const { name, status, unchanged, enabled } of CLAIMS) {
    it(`about anchors and the execution gate: ${name}`, () => {
      const anchor = check({ kind: 'anchor', status });
      const closed = check({ id: 'g7.execution-closed', status });
      expect(result([anchor, closed])).to.include({ anchorsUnchanged: unchanged, executionEnabled: enabled });
    });
  }

  it('says nothing of neighbours when the plan preserves none', () => {
    expect(result([]).anchorsUnchanged).to.equal(null);
  });
});

function check(given: Partial<Check>): Check {
  return { id: 'a', kind: 'file', status: 'PASS', ...given };
}

function result(checks: readonly Check[]) {
  const ledger = { verdict: 'A', durationMs: 2, ownMs: 1, gates: [{ gate: 'G5', status: 'PASS', checks }] };
  return resultOf(ledger, { report: '/report/08-final-report.md', governed: undefined });
}
