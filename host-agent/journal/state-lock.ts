/**
 * One agent per state folder. Two would drive one run twice, and acknowledge each other's directives.
 *
 * The lock is SQLite's own on an empty file beside the journal: the kernel drops it with the process, however that
 * ends, so there is nothing to clean up and no id of a process to be mistaken. The journal itself stays free for
 * readers. Nothing else may open the file in this process: closing it would drop the lock.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { RejectedError } from '../../shared/errors.ts';
import { explainJournalError } from './journal-error.ts';

/** A database that nobody refers to is closed by the garbage collector, and its lock with it. */
const held = new Set<Database.Database>();

/** Held until it is disposed. Errors: `RejectedError('agent-running')`; `TransientError` when the disk is in the way. */
export function lockStateFolder(stateDirectory: string): Disposable {
  let database: Database.Database | undefined;
  try {
    database = new Database(join(stateDirectory, 'agent.lock'), { timeout: 0 });
    database.pragma('journal_mode = MEMORY');
    database.exec('begin exclusive');
    return hold(database);
  } catch (error) {
    database?.close();
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') throw running(stateDirectory);
    throw explainJournalError(error);
  }
}

function hold(database: Database.Database): Disposable {
  held.add(database);
  return {
    [Symbol.dispose]: () => {
      held.delete(database);
      database.close();
    },
  };
}

function running(stateDirectory: string): RejectedError {
  return new RejectedError('agent-running', `failed to start: another agent runs on "${stateDirectory}"`, {
    hint: 'stop it first, or give this one a folder of its own with --state',
  });
}
