/**
 * The execution gate of each application on this host (P3, P4).
 *
 * 1. It is closed: this version knows no message, file or state that opens it.
 * 2. What it says is read from the journal; a journal that says nothing, or nonsense, says closed.
 * 3. The epoch only ever rises.
 */
import type { JournalDatabase } from '../journal/journal.ts';

export interface ClosedGate {
  readonly state: 'closed';
  readonly reason: string;
  readonly epoch: number;
}

/** The gate as it stands; never throws for want of a row. */
export function readExecutionGate(database: JournalDatabase, app: string): ClosedGate {
  const row = database
    .prepare<[string], { epoch: number; reason: string }>('select epoch, reason from execution_gates where app = ?')
    .get(app);
  return { state: 'closed', reason: row?.reason ?? 'no enable order was ever admitted', epoch: row?.epoch ?? 0 };
}
