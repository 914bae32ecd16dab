/** How many tests a run has counted, of the build and of the host, as its checks observed it. Pure. */
import { z } from 'zod';
import type { CheckRow, LedgerSummary } from '../../../shared/ledger/derive.ts';

const count = z.int().min(0);
const countsSchema = z.looseObject({ ran: count, passed: count, failed: count, errors: count, skipped: count });
type Counts = z.infer<typeof countsSchema>;

/** The member of the observation that holds them, by kind of check. */
const MEMBERS: ReadonlyMap<string, string> = new Map([
  ['source-tests', 'counts'],
  ['exec', 'tests'],
]);

/** One for each check that counted tests: `unit: 365 of 366 passed, 1 failed`. */
export function testCountTexts({ gates }: LedgerSummary): string[] {
  return gates
    .flatMap(({ checks }) => checks)
    .flatMap((row) => {
      const counts = countsOf(row);
      return counts ? [`${row.id}: ${countsText(counts)}`] : [];
    });
}

function countsOf({ kind, status, evidence }: CheckRow): Counts | undefined {
  const member = MEMBERS.get(kind);
  const isJudged = status === 'PASS' || status === 'FAIL';
  if (member === undefined || !isJudged || evidence?.result.did !== 'observe') return undefined;
  const { observation } = evidence.result;
  const parsed = z.looseObject({ [member]: countsSchema }).safeParse(observation);
  return parsed.success ? (parsed.data[member] as Counts) : undefined;
}

function countsText({ ran, passed, failed, errors, skipped }: Counts): string {
  const others = Object.entries({ failed, 'in error': errors, skipped }).filter(([, number]) => number > 0);
  return [`${passed} of ${ran} passed`, ...others.map(([what, number]) => `${number} ${what}`)].join(', ');
}
