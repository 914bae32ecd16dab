/**
 * What a plan asks of a SQLite file; runs in a process of its own (`sqlite-part.ts`).
 *
 * 1. The proof: the file is opened read-only, its handle refuses a write by itself, the connection refuses one as well
 *    (`query_only`), and the process may write neither the file nor the folder that it is in.
 * 2. A query is one `select`, `values` or `with`, and SQLite itself says that it writes nothing.
 * 3. Everything is read in one transaction, without temporary files; the process bounds time and memory.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { messageOf, systemCodeOf } from '../../../shared/errors.ts';
import { expectReadOnly, type ReadOnlyProof } from '../../../shared/ledger/kinds/sql.ts';
import { type Cell, countOf } from './count-of.ts';
import type { SqlRequest, SqlSight } from './look.ts';
import { RowDigest } from './row-digest.ts';
import { errorOfQuery, SqlFailure, sqlFailureOf } from './sql-failure.ts';

export type SqliteQuestion = Pick<SqlRequest, 'schemas' | 'queries' | 'digests'> & { readonly path: string };

/** Another process may be writing; it is waited for, not for long. */
const BUSY_MS = 5000;

/** Errors: `RejectedError` and `TransientError` as `lookIntoDatabase`, `SqlFailure` for what is wrong with the file. */
export function readSqlite(question: SqliteQuestion, onQuery: (name: string) => void): SqlSight {
  const database = asFile(() => openFile(question.path));
  try {
    const unseen = (question.schemas ?? [])
      .filter((schema) => schema !== 'main')
      .map((schema) => ({ schema, why: 'absent' as const }));
    const readOnly = asFile(() => proofOf(database, question.path));
    const proven = { engine: 'sqlite', readOnly, unseen } as const;
    if (!expectReadOnly(readOnly).every(({ met }) => met)) return { ...proven, counts: {}, digests: {} };
    asFile(() => database.exec('begin'));
    const counts = eachByName(question.queries, (name, query) => {
      onQuery(name);
      return count(database, { name, query });
    });
    const digests = eachByName(question.digests ?? {}, (name, query) => {
      onQuery(name);
      return digest(database, { name, query });
    });
    const isTransactionReadOnly = isQueryOnly(database);
    return { ...proven, readOnly: { ...readOnly, isTransactionReadOnly }, counts, digests };
  } finally {
    database.close();
  }
}

type File = Database.Database;

function asFile<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const failure = sqlFailureOf(error, []);
    throw failure.code === 'SQLITE_READONLY_DIRECTORY' ? new SqlFailure(failure.code, AT_REST) : failure;
  }
}

/** SQLite reads such a file with two more beside it, which only a program that writes it may make. */
const AT_REST = 'the file is in WAL mode, and no program has it open';

function isOfSqlite(error: unknown): boolean {
  return error instanceof SqlFailure || systemCodeOf(error)?.startsWith('SQLITE_') === true;
}

function openFile(path: string): File {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new SqlFailure('SQLITE_CANTOPEN', 'no plain file');
  const database = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
  database.defaultSafeIntegers(true);
  database.pragma('temp_store = memory');
  database.pragma('trusted_schema = off');
  database.pragma('query_only = on');
  return database;
}

function proofOf(database: File, path: string): ReadOnlyProof {
  const statement = writeOf(database);
  const write = tryWrite(database, statement);
  const isTransactionReadOnly = isQueryOnly(database);
  // So that the handle alone is asked.
  database.pragma('query_only = off');
  const openWrite = tryWrite(database, statement);
  database.pragma('query_only = on');
  return {
    isTransactionReadOnly,
    writePrivileges: writableOf(path),
    write: write.write,
    ...(write.code !== undefined && { writeCode: write.code }),
    openWrite,
  };
}

function isQueryOnly(database: File): boolean {
  return database.pragma('query_only', { simple: true }) === 1n;
}

/** A write that could change no row of a table that is there; undefined where there is none. */
function writeOf(database: File): string | undefined {
  const found = database.prepare(WRITE_WITHOUT_ROWS).pluck().get();
  return typeof found === 'string' ? found : undefined;
}

const WRITE_WITHOUT_ROWS = `
select format('update "%w" set "%w" = "%w" where 0', t.name, c.name, c.name)
from pragma_table_list as t join pragma_table_xinfo(t.name) as c
where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\' and c.hidden = 0
order by t.name, c.cid limit 1`;

function tryWrite(database: File, statement: string | undefined): { write: ReadOnlyProof['write']; code?: string } {
  if (statement === undefined) return { write: 'untried' };
  try {
    database.exec(statement);
    return { write: 'accepted' };
  } catch (error) {
    const failure = sqlFailureOf(error, []);
    if (!failure.code.startsWith('SQLITE_READONLY')) throw failure;
    return { write: 'refused', code: 'SQLITE_READONLY' };
  }
}

/** Who may write the folder may put another file in its place. The names are the owner's secret. */
function writableOf(path: string): string[] {
  const places = [
    { path, what: 'WRITE the file' },
    { path: dirname(path), what: 'WRITE the folder of the file' },
  ];
  return places.filter((place) => isWritable(place.path)).map(({ what }) => what);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // whatever keeps this process from writing it, it does
  }
}

function eachByName<T>(
  queries: Readonly<Record<string, string>>,
  look: (name: string, query: string) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, look(name, query)]));
}

interface NamedQuery {
  readonly name: string;
  readonly query: string;
}

/** Two rows are enough to know that there is more than one. */
function count(database: File, asked: NamedQuery): number {
  const rows = asQuery(asked, () => {
    const first: unknown[][] = [];
    for (const row of prepared(database, asked.query).iterate()) {
      if (first.push(row as unknown[]) === 2) break;
    }
    return first;
  });
  return countOf(
    asked.name,
    rows.map((row) => row.map(cellOf)),
  );
}

function digest(database: File, asked: NamedQuery): ReturnType<RowDigest['finish']> {
  return asQuery(asked, () => {
    const rowDigest = new RowDigest();
    for (const row of prepared(database, asked.query).iterate()) rowDigest.add((row as unknown[]).map(textOf));
    return rowDigest.finish();
  });
}

function asQuery<T>({ name }: NamedQuery, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // Without a code when the driver itself refuses it, such as a second statement.
    const failure = isOfSqlite(error) ? error : new SqlFailure('SQLITE_ERROR', messageOf(error));
    throw errorOfQuery(name, sqlFailureOf(failure, []));
  }
}

const LEADING_COMMENTS = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*/;

function prepared(database: File, query: string): Database.Statement {
  const [word = ''] = /^\w*/.exec(query.replace(LEADING_COMMENTS, '')) ?? [];
  if (!/^(select|values|with)$/i.test(word)) throw new SqlFailure('SQLITE_AUTH', 'expected select, values or with');
  const statement = database.prepare(query);
  if (!statement.reader || !statement.readonly) throw new SqlFailure('SQLITE_READONLY', 'expected a query that reads');
  return statement.raw(true);
}

function cellOf(value: unknown): Cell {
  if (value === null) return { is: 'null' };
  return typeof value === 'bigint' ? { is: 'whole-number', text: value.toString() } : { is: 'another-value' };
}

/** With its type, as SQLite tells `1` from `'1'`. */
function textOf(value: unknown): string | null {
  if (value === null) return null;
  if (Buffer.isBuffer(value)) return `blob:${value.toString('hex')}`;
  if (typeof value === 'bigint') return `integer:${value}`;
  return typeof value === 'number' ? `real:${value}` : `text:${value}`;
}
