import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { Verdict } from '../../shared/ledger/status.ts';
import { absenceEvidence, derived, rowsEvidence } from './cite.ts';
import { allRows } from './claims.ts';
import { type Statement, statement } from './document.ts';

export const RESULTS: Readonly<Record<Verdict, string>> = {
  A: 'A. RELEASE_DEPLOY_DRYRUN_READINESS_PASS',
  B: 'B. RELEASE_DEPLOY_DRYRUN_READINESS_PASS_WITH_SUB_GAPS',
  C: 'C. RELEASE_DEPLOY_DRYRUN_READINESS_FAIL',
  D: 'D. RELEASE_DEPLOY_DRYRUN_READINESS_BLOCKED_OR_UNKNOWN',
};

/** The verdict in words; it rests on every check. */
export function resultOf(ledger: VerifiedLedger): Statement {
  const { verdict } = ledger.summary;
  const evidence = [...absenceEvidence(ledger), ...rowsEvidence(ledger, allRows(ledger))];
  return statement(derived('result', 'run', RESULTS[verdict]), evidence);
}

/** From the first entry to the last, by the host's clock: `28.4 s`. */
export function elapsed({ entries }: VerifiedLedger): string {
  const ms = Date.parse(entries.at(-1)?.entry.at ?? '') - Date.parse(entries[0]?.entry.at ?? '');
  return `${(ms / 1000).toFixed(1)} s`;
}
