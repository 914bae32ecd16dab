import type { Statement } from 'better-sqlite3';
import type { JournalDatabase } from './journal.ts';

export type Prepared<P extends unknown[], R> = Statement<P, R>;

const byDatabase = new WeakMap<JournalDatabase, Map<string, unknown>>();

/** The statement of `sql`, prepared once a database: to prepare most of the journal's statements takes longer than to run them. */
export function prepared<P extends unknown[], R = unknown>(database: JournalDatabase, sql: string): Prepared<P, R> {
  const statements = byDatabase.get(database) ?? new Map<string, unknown>();
  byDatabase.set(database, statements);
  const known = statements.get(sql) as Prepared<P, R> | undefined;
  if (known) return known;
  const statement = database.prepare<P, R>(sql);
  statements.set(sql, statement);
  return statement;
}
