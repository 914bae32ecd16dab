import type Database from 'better-sqlite3';
import type { SqliteDatabase } from 'kysely';

/** There are about a hundred texts; those with a list of values have one for each length. */
const MOST_STATEMENTS = 512;

/**
 * The database with each statement prepared once: to prepare one takes longer than to run most of them. To be used once
 * the schema stands; a statement that is being read from is prepared anew.
 */
export function keepingStatements(database: Database.Database): SqliteDatabase {
  const statements = new Map<string, Database.Statement<unknown[], unknown>>();
  return {
    prepare: (sql) => {
      const kept = statements.get(sql);
      if (kept && !kept.busy) return kept;
      const statement = database.prepare<unknown[], unknown>(sql);
      if (statements.size >= MOST_STATEMENTS) statements.clear();
      statements.set(sql, statement);
      return statement;
    },
    close: () => database.close(),
  };
}
