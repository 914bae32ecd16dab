/**
 * The execution gate of each application on this host (P3, P4).
 *
 * 1. It is closed: this version knows no message, file or state that opens it.
 * 2. What it says is read from the journal; a journal that says nothing, or nonsense, or cannot be read, says closed.
 * 3. The epoch only ever rises.
 */
import { messageOf } from '../../shared/errors.ts';
import type { JournalDatabase } from '../journal/journal.ts';

export interface ClosedGate {
  readonly state: 'closed';
  readonly reason: string;
  readonly epoch: number;
}

interface GateRow {
  readonly epoch: unknown;
  readonly reason: unknown;
}

/** The gate as it stands. Never throws: whoever asks must get an answer, and it is the safe one. */
export function readExecutionGate(database: JournalDatabase, app: string): ClosedGate {
  const row = readRow(database, app);
  if (row === undefined) return closed('no enable order was ever admitted');
  if (typeof row === 'string') return closed(row);
  const { epoch, reason } = row;
  if (typeof reason === 'string' && typeof epoch === 'number' && Number.isSafeInteger(epoch) && epoch >= 0) {
    return { state: 'closed', reason, epoch };
  }
  return closed('what the journal says of it is not understood');
}

/** Applications that the journal has a gate for, sorted; none when it cannot be read. */
export function applicationsWithGate(database: JournalDatabase): string[] {
  try {
    return database.prepare<[], string>('select app from execution_gates order by app').pluck().all();
  } catch {
    return []; // nothing is open for want of being listed: `readExecutionGate` says why it cannot be read
  }
}

/** The row, undefined when there is none, or why it cannot be read. */
function readRow(database: JournalDatabase, app: string): GateRow | string | undefined {
  try {
    return database.prepare<[string], GateRow>('select epoch, reason from execution_gates where app = ?').get(app);
  } catch (error) {
    return `the journal cannot be read: ${messageOf(error)}`; // P3: whatever is wrong with it, it opens nothing
  }
}

function closed(reason: string): ClosedGate {
  return { state: 'closed', reason, epoch: 0 };
}
