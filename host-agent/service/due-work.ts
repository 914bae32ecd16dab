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
  { database, wakeup, door }: { database: JournalDatabase; wakeup: Wakeup; door: { readonly isWanted: boolean } },
): Promise<void> {
  while (!signal.aborted && !door.isWanted && !isWorkDue(database)) await wakeup.sleep(signal);
}

function isWorkDue(database: JournalDatabase): boolean {
  try {
    const queries = [WAITING_DIRECTIVE, RUN_NOT_AT_REST, GATE_TO_LOOK_AFTER, LIVE_RUN_LOST, HOST_KILL_UNTOLD];
    return queries.some((query) => hasAny(database, query));
  } catch {
    return true; // rule 1
  }
}

/** Open, or closed by a restart and perhaps to be opened again. */
const GATE_TO_LOOK_AFTER = `
  select 1 from gate_states
  where json_extract(state, '$.state') <> 'closed' or json_extract(state, '$.interrupted') is not null
  limit 1`;

const LIVE_RUN_LOST = 'select 1 from live_runs where ended = 0 limit 1';

/** The gate is closed; the control plane has yet to hear of it. */
const HOST_KILL_UNTOLD = 'select 1 from host_kills limit 1';

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
