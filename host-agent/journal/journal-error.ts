/** What SQLite says of the journal, in the two families. */
import Database from 'better-sqlite3';
import { RejectedError, TransientError } from '../../shared/errors.ts';

export const JOURNAL_HINT =
  'execution stays closed, and nothing was deleted: keep the state folder, and enrol this host anew into an empty one';

/** Beginnings of SQLite's codes, and what to do. With all of these the file is as it was, or will be on the next opening. */
const IN_THE_WAY: Readonly<Record<string, string>> = {
  SQLITE_FULL: "free space on the file system of the agent's state folder; the agent then goes on by itself",
  SQLITE_IOERR: "look at the disk of the agent's state folder, and at the system's log",
  SQLITE_READONLY: 'the agent needs to write to its state folder: mount it writable, and look at its owner',
  SQLITE_CANTOPEN: 'the agent needs to write to its state folder: mount it writable, and look at its owner',
  SQLITE_PERM: 'the agent needs to own its state folder',
  SQLITE_BUSY: 'another program holds the journal: close it',
};

/**
 * The error as the rest of the agent takes it: `RejectedError('journal-corrupt')`, a `TransientError` when the disk is
 * in the way, and whatever is no error of SQLite as it is.
 */
export function explainJournalError(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) {
    return new RejectedError('journal-corrupt', `failed to use the journal: ${error.message}`, {
      cause: error,
      hint: JOURNAL_HINT,
    });
  }
  const [, hint] = Object.entries(IN_THE_WAY).find(([code]) => error.code.startsWith(code)) ?? [];
  if (hint === undefined) return error;
  return new TransientError(`failed to use the journal: ${error.message}`, { cause: error, hint });
}
