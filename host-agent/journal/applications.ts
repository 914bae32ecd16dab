import type { JournalDatabase } from './journal.ts';
import { prepared } from './prepared.ts';

/** All that this host has ever had a gate or a run of, sorted. Reads no document: an agent that waits can ask. Errors: SQLite's. */
export function knownApplications(database: JournalDatabase): string[] {
  return prepared<[], { app: string }>(database, KNOWN)
    .all()
    .map(({ app }) => app);
}

/** A statement that cannot be read names no application; its run is refused by whoever reads it. */
const KNOWN = `
  select app from gate_states
  union
  select app from (
    select case when json_valid(text) then json_extract(text, '$.app') end as app
    from (select cast(bytes as text) as text from materials where name = 'statement')
  ) where typeof(app) = 'text'
  order by app`;
