/**
 * Takes out of the journal what nobody can ask this host for any more.
 *
 * 1. Nothing goes while a report waits to be acknowledged: the host may be the only one that has it.
 * 2. A run goes once nothing of it stands on this host, its report is recorded, and `LIMITS.endedRunCount` later ones of that
 *    kind are there. A run whose installation stands, proven or not, keeps everything: its rollback is read from there, and so
 *    are the anchors of its neighbours.
 * 3. Of a run that goes there stays for good: its id and its end, so that no other run gets the id; its statement; and the
 *    head that the host signed last, which still vouches for the ledger that the control plane holds.
 * 4. Of handled directives the newest stay, so that their numbers go on.
 * 5. It is one transaction: after a crash all of it is gone, or none. // P8
 */
import { LIMITS } from '../../shared/limits.ts';
import type { DirectiveLog } from '../journal/directives.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import type { JournalOutbox } from '../journal/outbox.ts';
import { isResting, type RunState } from './machine.ts';
import { parseRunState } from './saved-state.ts';

export interface PrunedJournal {
  readonly database: JournalDatabase;
  readonly directives: DirectiveLog;
  readonly outbox: JournalOutbox;
}

/** Returns how many runs went. Errors: `RejectedError('journal-corrupt')`; those of SQLite, and nothing is gone then. */
export function pruneJournal({ database, directives, outbox }: PrunedJournal): number {
  if (!outbox.isEmpty()) return 0;
  const runs = endedRuns(database).slice(LIMITS.endedRunCount);
  database.transaction(() => {
    directives.forgetHandled({ keepCount: LIMITS.handledDirectiveCount });
    for (const run of runs) {
      database.prepare('delete from ledger_entries where run = ?').run(run);
      database.prepare('delete from facts where run = ?').run(run);
      database.prepare("delete from materials where run = ? and name <> 'statement'").run(run);
    }
  })();
  return runs.length;
}

/** Those that are not pruned, newest first. */
function endedRuns(database: JournalDatabase): string[] {
  const rows = database.prepare<[], { id: string; state: string }>(
    'select id, state from runs where id in (select run from ledger_entries where seq = 0) order by directive desc',
  );
  return rows
    .all()
    .filter(({ state }) => isOver(parseRunState(state)))
    .map(({ id }) => id);
}

function isOver(state: RunState): boolean {
  const isGone = !state.isPromoted && (state.phase === 'rolledBack' || state.phase === 'failed');
  return isGone && isResting(state) && state.isReported;
}
