/**
 * Waits until there is work, with nothing in memory of what does it: an agent spends nearly all its life here.
 *
 * 1. In doubt there is work: whoever does it reads the journal anew and knows what to do about what is wrong with it.
 */
import type { Wakeup } from '../../shared/time/wakeup.ts';
import type { JournalDatabase } from '../journal/journal.ts';

/** Resolves once a directive waits or a run is not at rest; at the abort of `signal` as well. */
export async function untilWorkIsDue(
  signal: AbortSignal,
  { database, wakeup }: { readonly database: JournalDatabase; readonly wakeup: Wakeup },
): Promise<void> {
  while (!signal.aborted && !isWorkDue(database)) await wakeup.sleep(signal);
}

function isWorkDue(database: JournalDatabase): boolean {
  try {
    return hasAny(database, WAITING_DIRECTIVE) || hasAny(database, RUN_NOT_AT_REST);
  } catch {
    return true; // rule 1
  }
}

const WAITING_DIRECTIVE = 'select 1 from directives where handled = 0 limit 1';

/** At rest as the machine of a run has it: nothing remains. A state that cannot be read is not at rest. */
const RUN_NOT_AT_REST = `
  select 1 from runs
  where case when json_valid(state) and json_type(state, '$.remaining') = 'array'
    then json_array_length(state, '$.remaining') end is not 0
  limit 1`;

function hasAny(database: JournalDatabase, query: string): boolean {
  return database.prepare(query).get() !== undefined;
}
