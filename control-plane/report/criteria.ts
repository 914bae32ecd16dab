import type { CheckRow } from '../../shared/ledger/derive.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { Status } from '../../shared/ledger/status.ts';
import { derived, rowEvidence, rowsEvidence } from './cite.ts';
import { allRows } from './claims.ts';
import type { OutcomeRow, Section } from './document.ts';
import { statement } from './document.ts';
import { reasonParts } from './gate-section.ts';
import { RESULTS } from './verdict.ts';
import { criterionOf } from './wording.ts';

const ANSWERS: Readonly<Record<Status, string>> = {
  PASS: 'YES',
  PARTIAL: 'SUB-GAP',
  FAIL: 'NO',
  BLOCKED: 'NOT PROVEN',
  UNKNOWN: 'NOT PROVEN',
  NOT_RUN: 'NOT PROVEN',
};

/** Each condition of a pass, whether it is met, and by which evidence. */
export function criteriaSection(ledger: VerifiedLedger): Section {
  const rows = allRows(ledger);
  const met = rows.filter((row) => row.status === 'PASS').length;
  const parts = [
    derived('count', 'criteria-met', met),
    ' of ',
    derived('count', 'criteria', rows.length),
    ' conditions are met. Result: ',
    derived('result', 'run', RESULTS[ledger.summary.verdict]),
  ];
  return {
    title: '3. Criteria check',
    blocks: [
      { block: 'outcomes', rows: rows.map((row) => criterionRow(ledger, row)) },
      { block: 'list', items: [statement(parts, rowsEvidence(ledger, rows))] },
    ],
  };
}

function criterionRow(ledger: VerifiedLedger, row: CheckRow): OutcomeRow {
  return {
    label: [criterionOf(row)],
    outcome: derived('criterion', row.id, ANSWERS[row.status]),
    detail: row.status === 'PASS' || row.expectations.length > 0 ? [] : reasonParts(ledger, row),
    evidence: rowEvidence(ledger, row),
  };
}
