/** What to do after this run: it follows from the verdict, and from nothing else. */
import type { CheckRow } from '../../shared/ledger/derive.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { Status, Verdict } from '../../shared/ledger/status.ts';
import { absenceEvidence, derived, findInEntry, rowEvidence, rowSeq, rowsEvidence } from './cite.ts';
import { allRows } from './claims.ts';
import type { Section, Statement } from './document.ts';
import { statement } from './document.ts';
import { forbiddenBlock } from './documents/environment.ts';
import { reasonParts } from './gate-section.ts';
import { gateName } from './wording.ts';

export const NEXT_STEPS: Readonly<Record<Verdict, string>> = {
  A: 'ASSEMBLE_READINESS_AND_ASK_FOR_ENABLE_APPROVALS',
  B: 'CLOSE_SUB_GAPS_THEN_ASSEMBLE_READINESS',
  C: 'FIX_THE_FAILED_CHECKS_AND_RELEASE_A_NEW_VERSION',
  D: 'REMOVE_WHAT_BLOCKS_AND_RUN_AGAIN',
};

/** What was proven of an installation that is gone again says nothing about the next one. */
const AFTER_ROLLBACK = 'RUN_AGAIN_IF_THE_RELEASE_IS_STILL_WANTED';

export function nextStep(ledger: VerifiedLedger): Statement {
  const { phase, verdict } = ledger.summary;
  const next = phase === 'rolledBack' ? AFTER_ROLLBACK : NEXT_STEPS[verdict];
  return statement(derived('claim', 'next', next), rowsEvidence(ledger, allRows(ledger)));
}

export function nextStepSection(ledger: VerifiedLedger): Section {
  const items = [...goals(ledger), ...missingGates(ledger), ...blockers(ledger)];
  const nothing = statement('Nothing else has to be settled before it.', rowsEvidence(ledger, allRows(ledger)));
  return {
    title: '8. Recommended next step',
    blocks: [
      { block: 'facts', rows: [{ key: 'next', statement: nextStep(ledger) }] },
      { block: 'list', items: items.length > 0 ? items : [nothing] },
      forbiddenBlock(ledger),
      { block: 'list', items: [statement(STILL_CLOSED, absenceEvidence(ledger))] },
    ],
  };
}

const STILL_CLOSED = 'No verdict of a run opens the execution gate: that takes the approvals which the policy demands.';

/** A sub-gap is closed by its route; one that the policy accepts must be so before its acceptance expires. */
function goals({ summary }: VerifiedLedger): Statement[] {
  return summary.subGaps.flatMap((gap) => {
    const field = (name: 'id' | 'statement' | 'owner' | 'route', value: string) =>
      derived('sub-gap', `${gap.check}/${name}`, value);
    const goal = ['Goal: close ', field('id', gap.id), ': ', field('statement', gap.statement)];
    const route = ['Prerequisite: ', field('route', gap.route), ', owner ', field('owner', gap.owner)];
    const expiry = gap.expiresAt && [', before ', derived('sub-gap', `${gap.check}/expiresAt`, gap.expiresAt)];
    return [statement(goal, [gap.evidenceId]), statement([...route, ...(expiry || [])], [gap.evidenceId])];
  });
}

function missingGates(ledger: VerifiedLedger): Statement[] {
  const missing = ledger.summary.gates.filter(({ checks }) => checks.length === 0);
  return missing.map((gate) => {
    const status = derived('gate-status', gate.gate, gate.status);
    const words = [
      gateName(gate.gate),
      ' is ',
      status,
      ': it',
      ' is required by the policy, and the plan has no check for it',
    ];
    return statement(['Prerequisite: ', ...words], absenceEvidence(ledger));
  });
}

const SETTLED: readonly Status[] = ['PASS', 'PARTIAL'];

function blockers(ledger: VerifiedLedger): Statement[] {
  const open = allRows(ledger).filter((row) => !SETTLED.includes(row.status));
  return open.map((row) => statement(blockerParts(ledger, row), rowEvidence(ledger, row)));
}

function blockerParts(ledger: VerifiedLedger, row: CheckRow) {
  const status = derived('check-status', row.id, row.status);
  const index = row.expectations.findIndex(({ met }) => !met);
  const unmet = row.expectations[index];
  if (unmet) {
    const field = (name: 'what' | 'expected' | 'actual') =>
      derived('expectation', `${row.id}/${index}/${name}`, unmet[name]);
    return [
      'Prerequisite: ',
      row.id,
      ' is ',
      status,
      ': ',
      field('what'),
      ', expected ',
      field('expected'),
      ', saw ',
      field('actual'),
    ];
  }
  const seq = rowSeq(row);
  const needs = seq === undefined ? undefined : findInEntry(ledger, seq, '/body/evidence/result/needs');
  return ['Prerequisite: ', status, ': ', ...reasonParts(ledger, row), ...(needs ? [' ; needs ', needs] : [])];
}
