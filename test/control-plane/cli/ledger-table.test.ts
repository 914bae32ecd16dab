import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { checkDetails, finishedLine, ledgerTable, runningLine } from '../../../control-plane/cli/ledger-table.ts';
import type { LedgerSummary } from '../../../shared/ledger/derive.ts';
import type { EvidenceResult } from '../../../shared/ledger/evidence.ts';
import { type FixtureOptions, ledgerFixture, PROMISED, saw } from '../../support/ledger-fixture.ts';

const VECTORS = new URL('../../vectors/ledger/', import.meta.url);
const pipe = { hasColours: false, isTty: false, columns: 80 };
const tty = { hasColours: true, isTty: true, columns: 80 };

const GAP: EvidenceResult = { did: 'leave-a-gap', statement: 'no governance-capable DSN', owner: 'ops', route: 'O7' };
const CAPSULE = {
  argv: ['python3', '-m', 'unittest', 'discover'],
  ended: 'exit 1',
  lastOutput:
    'F.\nFAIL: test_cut (tests.test_cutter)\n\tAssertionError: 3 != 4\n\u001b[31mFAILED\u001b[0m (failures=1)',
  outputBytes: 4096,
  limitsHit: ['memory'],
  environmentDigest: 'e'.repeat(64),
  sandbox: 'bubblewrap',
};

const FAILED: FixtureOptions = {
  results: {
    unit: saw('1 of 366 failed', { notes: ['pytest is absent'] }),
    dry: { did: 'not-run', reason: 'an earlier gate failed' },
  },
  capsules: { unit: CAPSULE },
  lastPhase: 'failed',
};

const summaryOf = (options: FixtureOptions = {}): LedgerSummary => ledgerFixture(options).read().summary;
const accept = [{ gate: 'G6', checkKind: 'dryrun', owner: 'macro O7', route: 'O7 live dry-run', maxAgeDays: 30 }];

const GOLDEN: Readonly<Record<string, () => string | undefined>> = {
  'table-passed': () =>
    ledgerTable(summaryOf({ results: { unit: saw(PROMISED, { notes: ['pytest is absent'] }) } }), pipe),
  'table-sub-gap': () => ledgerTable(summaryOf({ results: { dry: GAP }, accept }), pipe),
  'table-sub-gap-not-accepted': () => ledgerTable(summaryOf({ results: { dry: GAP } }), pipe),
  'table-failed': () => ledgerTable(summaryOf(FAILED), pipe),
  'table-failed-colours': () => ledgerTable(summaryOf(FAILED), tty),
  'table-blocked': () =>
    ledgerTable(
      summaryOf({ results: { unit: { did: 'block', reason: 'no bubblewrap', needs: [] }, 'g8.report': undefined } }),
      pipe,
    ),
  'table-required-gate-missing': () => ledgerTable(summaryOf({ requiredGates: ['SECURITY'] }), pipe),
  'check-passed': () => checkDetails(summaryOf(), 'no-live', pipe),
  'check-failed': () => checkDetails(summaryOf(FAILED), 'unit', pipe),
  'check-not-run': () => checkDetails(summaryOf(FAILED), 'dry', pipe),
  'watch-pipe': () => watched(pipe),
  'watch-tty': () => watched(tty),
};

/** What somebody who watches gets to see, as it comes. */
function watched(terminal: typeof tty): string {
  const rows = summaryOf(FAILED).gates.flatMap(({ checks }) => checks);
  return rows.map((row) => runningLine(row, terminal) + finishedLine(row, terminal)).join('');
}

describe('control-plane/cli/ledger-table', () => {
  for (const [name, print] of Object.entries(GOLDEN)) {
    it(`prints ${name} as the vector has it`, () => {
      const file = new URL(`${name}.txt`, VECTORS);
      const printed = print() ?? '';
      if (process.env.KEYTURN_REWRITE_VECTORS === 'yes') writeFileSync(file, printed);
      expect(printed).to.equal(readFileSync(file, 'utf8'));
      expect(printed.length).to.be.above(60);
    });
  }

  it('knows no check that the plan does not have', () => {
    expect(checkDetails(summaryOf(), 'nowhere', pipe)).to.equal(undefined);
  });

  it('ends with the verdict', () => {
    expect(ledgerTable(summaryOf(), pipe).trimEnd().split('\n').at(-1)).to.equal('verdict A: every gate passed');
    expect(ledgerTable(summaryOf(FAILED), pipe).trimEnd().split('\n').at(-1)).to.equal('verdict C: failed');
  });

  it('sends nothing to a pipe that steers a terminal, and to a terminal nothing of what a host wrote', () => {
    const evil = '\u001b[2J\u001b]0;owned\u0007\r\u202eSSAP';
    const options: FixtureOptions = {
      results: {
        unit: saw(evil, { notes: [evil] }),
        dry: { did: 'leave-a-gap', statement: evil, owner: evil, route: evil },
      },
      capsules: { unit: { ...CAPSULE, lastOutput: evil, argv: [evil], ended: evil, sandbox: evil, limitsHit: [evil] } },
    };
    const summary = summaryOf(options);
    const rows = summary.gates.flatMap(({ checks }) => checks);
    for (const terminal of [pipe, tty]) {
      const printed = [
        ledgerTable(summary, terminal),
        checkDetails(summary, 'unit', terminal),
        ...rows.map((row) => finishedLine(row, terminal)),
      ].join('');
      const own = terminal.isTty ? printed.replaceAll(/\u001b\[(?:\d+m|2K)|\r(?=\u001b\[2K)/g, '') : printed;
      expect(own).to.not.match(/[^\P{Cc}\n]|\p{Cf}/u);
      expect(printed).to.include('\\u{1b}[2J');
      expect(printed).to.not.include('\u001b[2J');
    }
  });

  it('overwrites in place on a terminal only', () => {
    const [row] = summaryOf().gates.flatMap(({ checks }) => checks);
    if (!row) throw new Error('expected a check');
    expect(runningLine(row, pipe)).to.equal('');
    expect(runningLine(row, tty)).to.match(/^\r\u001b\[2K[^\n]*running/);
    expect(finishedLine(row, tty)).to.match(/^\r\u001b\[2K[^\n]*PASS[^\n]*\n$/);
    expect(finishedLine(row, pipe)).to.match(/^G0 [^\n]*PASS[^\n]*\n$/);
  });
});
