/**
 * Opens the store. What a transaction has committed survives a power cut (`synchronous=FULL`): only then is it
 * acknowledged to a peer.
 */
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';

import { makeDirectory } from '../../shared/store/atomic-file.ts';
import { keepingStatements } from './kept-statements.ts';
import { migrate } from './migrations.ts';
import type { Schema, Store } from './schema.ts';

/** How long a writer waits for another process, such as the command line, before it gives up. */
const BUSY_TIMEOUT_MS = 5_000;

/** Opens the SQLite file at `path`, making it and its folder (mode 0700) where missing. Close with `store.destroy()`. Errors: those of `migrate`. */
export async function openSqliteStore(path: string): Promise<Store> {
  makeDirectory(dirname(path), { mode: 0o700 });
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  try {
    await migrate(new Kysely<unknown>({ dialect: new SqliteDialect({ database }) }), { name: 'sqlite' });
    return new Kysely<Schema>({ dialect: new SqliteDialect({ database: keepingStatements(database) }) });
  } catch (error) {
    database.close();
    throw error;
  }
}
