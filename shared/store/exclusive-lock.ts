/**
 * A lock that one process holds, and that the kernel drops with it, however it ends: there is nothing to clean up and no
 * id of a process to be mistaken. It is SQLite's own, on an empty file. Nothing else may open that file in this process:
 * closing it would drop the lock.
 */
import Database from 'better-sqlite3';

/** A database that nobody refers to is closed by the garbage collector, and its lock with it. */
const held = new Set<Database.Database>();

/** Takes the lock at `path`, until it is disposed; undefined when somebody else holds it. Errors: SQLite's. */
export function takeExclusiveLock(path: string): Disposable | undefined {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma('journal_mode = MEMORY');
    database.exec('begin exclusive');
    return hold(database);
  } catch (error) {
    database?.close();
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') return undefined;
    throw error;
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
