/**
 * What a plan asks of a PostgreSQL server.
 *
 * 1. All of it is read in one transaction, which sees one instant and is rolled back.
 * 2. A query is the query of a cursor, and nothing else can be: the server's own grammar refuses every other statement,
 *    one that changes rows inside of `with`, and a second one. So no plan can end the transaction that confines it.
 * 3. What functions do in a read-only transaction either is refused (sequences, large objects, rows) or ends with it or with the
 *    session (locks, notifications, settings).
 */
import { RejectedError } from '../../../shared/errors.ts';
import { expectReadOnly } from '../../../shared/ledger/kinds/sql.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { type Cell, countOf } from './count-of.ts';
import type { PostgresSource } from './data-source.ts';
import type { SqlDigests, SqlRequest, SqlSight } from './look.ts';
import { BEGIN_READ_ONLY, isReadOnly, provePostgres } from './postgres-proof.ts';
import { type Answer, PostgresSession } from './postgres-session.ts';
import { RowDigest } from './row-digest.ts';
import { errorOfQuery, errorOfSession, SqlFailure } from './sql-failure.ts';

/** Errors: those of `lookIntoDatabase`. */
export async function lookIntoPostgres(source: PostgresSource, request: SqlRequest): Promise<SqlSight> {
  await using session = await PostgresSession.open(source, request);
  const { readOnly, unseen } = await asSession(() => provePostgres(session, request.schemas));
  const proven = { engine: 'postgresql', readOnly, unseen } as const;
  if (!expectReadOnly(readOnly).every(({ met }) => met)) return { ...proven, counts: {}, digests: {} };
  const isStillReadOnly = await asSession(() => beginToRead(session));
  if (!isStillReadOnly) return { ...proven, readOnly: withoutReadOnly(readOnly), counts: {}, digests: {} };
  const hint = unseen.length === 0 ? undefined : `a role that sees ${unseen.map(({ schema }) => schema).join(', ')}`;
  const counts = await eachByName(request.queries, (name, query) => count(session, { name, query, hint }));
  const digests = await eachByName(request.digests ?? {}, (name, query) => digest(session, { name, query, hint }));
  const isReadOnlyToTheEnd = await asSession(() => isReadOnly(session));
  await asSession(() => session.ask('rollback'));
  return { ...proven, readOnly: isReadOnlyToTheEnd ? readOnly : withoutReadOnly(readOnly), counts, digests };
}

async function asSession<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SqlFailure ? errorOfSession(error) : error;
  }
}

async function beginToRead(session: PostgresSession): Promise<boolean> {
  await session.ask(BEGIN_READ_ONLY);
  return isReadOnly(session);
}

function withoutReadOnly(proof: SqlSight['readOnly']): SqlSight['readOnly'] {
  return { ...proof, isTransactionReadOnly: false };
}

async function eachByName<T>(
  queries: Readonly<Record<string, string>>,
  look: (name: string, query: string) => Promise<T>,
): Promise<Record<string, T>> {
  const seen: Record<string, T> = {};
  for (const [name, query] of Object.entries(queries)) seen[name] = await look(name, query);
  return seen;
}

interface NamedQuery {
  readonly name: string;
  readonly query: string;
  /** What could be missing when it fails. */
  readonly hint: string | undefined;
}

/** Two rows are enough to know that there is more than one. */
async function count(session: PostgresSession, asked: NamedQuery): Promise<number> {
  const { rows, types } = await throughCursor(session, asked, () => session.ask('fetch 2 from keyturn'));
  return countOf(
    asked.name,
    rows.map((row) => row.map((text, column) => cellOf(text, types[column]))),
  );
}

async function digest(session: PostgresSession, asked: NamedQuery): Promise<SqlDigests[string]> {
  return throughCursor(session, asked, async () => {
    const rowDigest = new RowDigest();
    for (;;) {
      const { rows } = await session.ask(`fetch ${LIMITS.sqlFetchRowCount} from keyturn`);
      for (const row of rows) rowDigest.add(row);
      if (rows.length < LIMITS.sqlFetchRowCount) return rowDigest.finish();
    }
  });
}

async function throughCursor<T>(
  session: PostgresSession,
  { name, query, hint }: NamedQuery,
  read: () => Promise<T>,
): Promise<T> {
  try {
    // Each time anew, as a query before may have lifted it.
    await session.ask("select pg_catalog.set_config('statement_timeout', $1, true)", [String(session.leftMs)]);
    await session.ask(`declare keyturn no scroll cursor for ${query}`);
    const seen = await read();
    await session.ask('close keyturn');
    return seen;
  } catch (error) {
    if (!(error instanceof SqlFailure)) throw error;
    const failed = errorOfQuery(name, error);
    if (hint === undefined || !(failed instanceof RejectedError)) throw failed;
    throw new RejectedError(failed.code, failed.message, { hint });
  }
}

/** Of the server's catalog: int8, int2, int4, numeric. */
const WHOLE_NUMBER_TYPES = [20, 21, 23, 1700];

function cellOf(text: string | null, type: Answer['types'][number] | undefined): Cell {
  if (text === null) return { is: 'null' };
  return WHOLE_NUMBER_TYPES.includes(type ?? 0) ? { is: 'whole-number', text } : { is: 'another-value' };
}
