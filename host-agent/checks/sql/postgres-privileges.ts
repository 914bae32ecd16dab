/** What the role of a session could change in another transaction, as the server's catalog has it. */
import type { PostgresSession } from './postgres-session.ts';

/** As many as evidence holds. */
const MOST_PRIVILEGES = 32;
const MOST_TEXT = 256;

/**
 * The first of them, the gravest ones in front; empty for a role that only reads. A role that the session's may become
 * counts as its own, whether it inherits from it or not. Not asked: the right to make new tables, which changes no row of
 * the old ones, and functions that run as their owner.
 */
export async function writePrivileges(
  session: PostgresSession,
  schemas: readonly string[] | undefined,
): Promise<string[]> {
  const { rows } = await session.ask(WRITE_PRIVILEGES, [schemas ?? null]);
  return rows.map(([text]) => (text ?? '').slice(0, MOST_TEXT));
}

/** With `$1` an array of schemas, or null for all of users. The prefix `pg_` is reserved for schemas of the system. */
export const SCHEMAS_IN_SCOPE = `
  select n.oid, n.nspname, n.nspowner from pg_catalog.pg_namespace n
  where case when $1::text[] is null then n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
    else n.nspname = any ($1::text[]) end`;

const WRITE_PRIVILEGES = `
with held as materialized (
  select r.* from pg_catalog.pg_roles r
  where pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER') or pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
), scope as materialized (${SCHEMAS_IN_SCOPE}
), relation as materialized (
  select c.oid, c.relkind, pg_catalog.format('%I.%I', s.nspname, c.relname) as name,
    exists (select from held h where h.oid = c.relowner) as is_own
  from pg_catalog.pg_class c join scope s on s.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
), found as (
  select 0 as rank, t.what || ' ' || h.rolname as text from held h
  cross join lateral (values ('SUPERUSER', h.rolsuper), ('BYPASSRLS', h.rolbypassrls), ('CREATEROLE', h.rolcreaterole))
    as t (what, is_so)
  where t.is_so
  union all
  select 1, 'MEMBER ' || h.rolname from held h
  where h.rolname in ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program')
  union all
  select 2, 'OWNER database ' || d.datname from pg_catalog.pg_database d join held h on h.oid = d.datdba
  where d.datname = pg_catalog.current_database()
  union all
  select 3, 'OWNER schema ' || s.nspname from scope s join held h on h.oid = s.nspowner
  union all
  select 4, 'OWNER ' || r.name from relation r where r.is_own
  union all
  select 5, t.what || ' ' || r.name from relation r
  cross join (values ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('TRIGGER')) as t (what)
  where r.relkind in ('r', 'p', 'v', 'f') and not r.is_own
    and exists (select from held h where pg_catalog.has_table_privilege(h.oid, r.oid, t.what))
  union all
  select 6, t.what || ' of columns of ' || r.name from relation r cross join (values ('INSERT'), ('UPDATE')) as t (what)
  where r.relkind in ('r', 'p', 'v', 'f') and not r.is_own
    and exists (select from held h where pg_catalog.has_any_column_privilege(h.oid, r.oid, t.what))
    and not exists (select from held h where pg_catalog.has_table_privilege(h.oid, r.oid, t.what))
  union all
  select 7, t.what || ' sequence ' || r.name from relation r cross join (values ('USAGE'), ('UPDATE')) as t (what)
  where r.relkind = 'S' and not r.is_own
    and exists (select from held h where case when r.relkind = 'S'
      then pg_catalog.has_sequence_privilege(h.oid, r.oid, t.what) end)
)
select text from found group by rank, text order by rank, text limit ${MOST_PRIVILEGES}`;
