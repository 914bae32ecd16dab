/** The proof that a session can only read, and what it does not see of what it should. */
import type { ReadOnlyProof, UnseenSchema } from '../../../shared/ledger/kinds/sql.ts';
import { SCHEMAS_IN_SCOPE, writePrivileges } from './postgres-privileges.ts';
import type { PostgresSession } from './postgres-session.ts';
import { SqlFailure } from './sql-failure.ts';

export interface PostgresProof {
  readonly readOnly: ReadOnlyProof;
  readonly unseen: readonly UnseenSchema[];
}

/** Every later transaction of the session must begin with it as well. */
export const BEGIN_READ_ONLY = 'begin transaction isolation level repeatable read, read only';

/** Leaves the session outside of a transaction. Errors: `SqlFailure`, and those of `ask`. */
export async function provePostgres(
  session: PostgresSession,
  schemas: readonly string[] | undefined,
): Promise<PostgresProof> {
  await session.ask(BEGIN_READ_ONLY);
  // What follows means the catalog, whatever the role's own path says.
  await session.ask("select pg_catalog.set_config('search_path', '', true)");
  const isTransactionReadOnly = await isReadOnly(session);
  const unseen = await unseenSchemas(session, schemas ?? []);
  const privileges = await writePrivileges(session, schemas);
  const write = await writeOf(session, schemas);
  const closed = await tryWrite(session, write);
  await session.ask('rollback');
  const openWrite = privileges.length === 0 ? await tryOpenWrite(session, write) : undefined;
  const readOnly = {
    isTransactionReadOnly,
    writePrivileges: privileges,
    write: closed.write,
    ...(closed.code !== undefined && { writeCode: closed.code }),
    ...(openWrite && { openWrite }),
  };
  return { readOnly, unseen };
}

/** The server's own word. Having been asked, a transaction has a snapshot, and cannot become one that writes. */
export async function isReadOnly(session: PostgresSession): Promise<boolean> {
  const { rows } = await session.ask("select pg_catalog.current_setting('transaction_read_only')");
  return rows[0]?.[0] === 'on';
}

async function unseenSchemas(session: PostgresSession, schemas: readonly string[]): Promise<UnseenSchema[]> {
  const { rows } = await session.ask(UNSEEN_SCHEMAS, [schemas]);
  return rows.map(([schema, why]) => ({ schema: schema ?? '', why: why === 'absent' ? 'absent' : 'no-usage' }));
}

const UNSEEN_SCHEMAS = `
select distinct asked.name, case when n.oid is null then 'absent' else 'no-usage' end
from pg_catalog.unnest($1::text[]) as asked (name) left join pg_catalog.pg_namespace n on n.nspname = asked.name
where n.oid is null or not pg_catalog.has_schema_privilege(n.oid, 'USAGE')
order by 1`;

/** A write that could change no row of a table that is there; undefined where there is no table at all. */
async function writeOf(session: PostgresSession, schemas: readonly string[] | undefined): Promise<string | undefined> {
  const { rows } = await session.ask(WRITE_WITHOUT_ROWS, [schemas ?? null]);
  return rows[0]?.[0] ?? undefined;
}

/** Best of a table in scope, and of one that the role can name. */
const WRITE_WITHOUT_ROWS = `
select pg_catalog.format('update %I.%I set %I = %I where false', n.nspname, c.relname, a.attname, a.attname)
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid
where c.relkind in ('r', 'p') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
  and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity <> 'a'
order by n.oid in (select oid from (${SCHEMAS_IN_SCOPE}) s) desc,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE') desc, n.nspname, c.relname, a.attnum
limit 1`;

interface TriedWrite {
  readonly write: ReadOnlyProof['write'];
  readonly code?: string;
}

async function tryWrite(session: PostgresSession, statement: string | undefined): Promise<TriedWrite> {
  if (statement === undefined) return { write: 'untried' };
  try {
    await session.ask(statement);
    return { write: 'accepted' };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { write: 'refused', code: error.code };
  }
}

/** Rolled back whatever comes of it. A standby refuses to begin at all. */
async function tryOpenWrite(session: PostgresSession, statement: string | undefined): Promise<TriedWrite> {
  try {
    const begun = await tryWrite(session, 'begin transaction isolation level read committed, read write');
    if (begun.write === 'refused') return begun;
    return await tryWrite(session, statement);
  } finally {
    await session.ask('rollback');
  }
}

/** A read-only transaction, insufficient privilege, a standby; anything else is no answer to the question. */
const REFUSALS = ['25006', '42501', '0A000'];

function isRefusal(error: unknown): error is SqlFailure {
  return error instanceof SqlFailure && REFUSALS.includes(error.code);
}
