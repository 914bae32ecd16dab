/**
 * Every change of the schema, in order. A migration that was released is never edited; the next one follows it.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';

import { RejectedError } from '../../shared/errors.ts';

/** What the databases spell differently. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgresql';
}

interface Migration {
  readonly version: number;
  up(db: Kysely<unknown>, dialect: Dialect): Promise<void>;
}

const MIGRATIONS: readonly Migration[] = [
  { version: 1, up: createFirstTables },
  { version: 2, up: keepRefusedReportsAndRoles },
  { version: 3, up: keepLog },
  { version: 4, up: keepOrders },
  { version: 5, up: keepDrills },
];

/**
 * Brings the schema to the newest version, each step in a transaction of its own. Running it again does nothing. Errors:
 * `RejectedError('store-newer')` when a newer program has been here.
 */
export async function migrate(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  await sql`create table if not exists schema_version (id integer primary key, version integer not null)`.execute(db);
  checkNotNewer(await schemaVersion(db));
  for (const migration of MIGRATIONS) {
    await db.transaction().execute(async (transaction) => {
      if ((await schemaVersion(transaction)) >= migration.version) return;
      await migration.up(transaction, dialect);
      await sql`insert into schema_version (id, version) values (1, ${migration.version})
        on conflict (id) do update set version = excluded.version`.execute(transaction);
    });
  }
}

function checkNotNewer(version: number): void {
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  if (version <= newest) return;
  throw new RejectedError(
    'store-newer',
    `failed to open the store: its schema is ${version}, expected at most ${newest}`,
    {
      hint: 'run the newer keyturn that it was made with, or restore a copy from before',
    },
  );
}

/** The version of the schema; 0 for an empty database. */
export async function schemaVersion(db: Kysely<unknown>): Promise<number> {
  const { rows } = await sql<{ version: number }>`select version from schema_version where id = 1`.execute(db);
  return rows[0]?.version ?? 0;
}

async function createFirstTables(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const bytes = bytesType(dialect);
  for (const statement of [...hostTables(bytes), ...runTables(bytes), ...publicationTables(bytes)]) {
    await statement.execute(db);
  }
}

function hostTables(bytes: RawBuilder<unknown>): RawBuilder<unknown>[] {
  return [
    sql`create table hosts (
      name text primary key, created_at bigint not null, enrolled_at bigint, revoked_at bigint,
      incarnation integer not null, last_seen_at bigint, clock_at bigint, agent_version text)`,
    sql`create table host_keys (
      host text not null references hosts (name), incarnation integer not null, ledger_public_key text not null,
      registered_at bigint not null, primary key (host, incarnation))`,
    sql`create table join_tokens (
      sha256 text primary key, host text not null references hosts (name), created_at bigint not null,
      expires_at bigint not null, used_at bigint)`,
    sql`create table certificates (
      serial text primary key, kind text not null, subject text not null, issued_at bigint not null,
      expires_at bigint not null, revoked_at bigint)`,
    sql`create table directives (
      host text not null references hosts (name), incarnation integer not null, seq bigint not null,
      run_id text not null, kind text not null, bytes ${bytes} not null, created_at bigint not null, outcome text,
      primary key (host, incarnation, seq))`,
    sql`create table inbox_positions (
      host text not null references hosts (name), incarnation integer not null, position bigint not null,
      primary key (host, incarnation))`,
  ];
}

function runTables(bytes: RawBuilder<unknown>): RawBuilder<unknown>[] {
  return [
    sql`create table runs (
      id text primary key, host text not null references hosts (name), incarnation integer not null, app text not null,
      version text not null, target_path text not null, statement_sha256 text not null, phase text not null,
      refusal_code text, created_at bigint not null, entry_count integer not null,
      has_promoted integer not null)`,
    sql`create index runs_of_host on runs (host, id)`,
    sql`create table ledger_entries (
      run_id text not null references runs (id), seq integer not null, digest text not null, bytes ${bytes} not null,
      primary key (run_id, seq))`,
    sql`create table ledger_heads (
      run_id text primary key references runs (id), size integer not null, envelope ${bytes} not null)`,
    sql`create table report_documents (
      run_id text not null references runs (id), name text not null, sha256 text not null, content ${bytes} not null,
      primary key (run_id, name))`,
  ];
}

function publicationTables(bytes: RawBuilder<unknown>): RawBuilder<unknown>[] {
  return [
    sql`create table publication (
      id integer primary key, root integer not null, timestamp integer not null, snapshot integer not null,
      targets integer not null)`,
    sql`create table metadata_files (
      name text primary key, content ${bytes} not null, published_at bigint not null)`,
    sql`create table targets (
      path text not null, sha256 text not null, content ${bytes} not null, published_at bigint not null,
      primary key (path, sha256))`,
  ];
}

async function keepRefusedReportsAndRoles(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const bytes = bytesType(dialect);
  await sql`alter table certificates add column role text`.execute(db);
  await sql`create index certificates_of_subject on certificates (kind, subject)`.execute(db);
  await sql`create table refused_reports (
    host text not null references hosts (name), incarnation integer not null, id bigint not null, code text not null,
    bytes ${bytes} not null, received_at bigint not null, primary key (host, incarnation, id))`.execute(db);
}

/** The transparency log: its records, and the hash of every complete subtree over them. */
async function keepLog(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const bytes = bytesType(dialect);
  await sql`create table log_records (
    position bigint primary key, kind text not null, sha256 text not null, document ${bytes} not null,
    logged_at bigint not null, unique (kind, sha256))`.execute(db);
  await sql`create table log_nodes (
    level integer not null, position bigint not null, hash ${bytes} not null, primary key (level, position))`.execute(
    db,
  );
}

/** Orders with their hosts and answers, the gates as hosts told them, what waits to be signed, and live runs. */
async function keepOrders(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const bytes = bytesType(dialect);
  const tables = [
    sql`create table orders (
      sha256 text primary key, kind text not null, app text not null, document ${bytes} not null,
      ordered_at bigint not null)`,
    sql`create table order_hosts (
      order_sha256 text not null references orders (sha256), host text not null references hosts (name),
      incarnation integer not null, seq bigint not null, delivered_at bigint, primary key (order_sha256, host))`,
    sql`create index order_hosts_of_host on order_hosts (host, incarnation, seq)`,
    sql`create table order_receipts (
      order_sha256 text not null, host text not null references hosts (name), answer text not null,
      envelope ${bytes} not null, received_at bigint not null, primary key (order_sha256, host, answer))`,
    sql`create table gates (
      host text not null references hosts (name), incarnation integer not null, app text not null,
      epoch integer not null, log_size bigint not null, document ${bytes} not null, receipt ${bytes} not null,
      received_at bigint not null, primary key (host, incarnation, app))`,
    sql`create table decisions (
      id text primary key, kind text not null, title text not null, document ${bytes} not null,
      signature_count integer not null, submitted_at bigint not null, sent_at bigint)`,
    sql`create table live_runs (
      id text primary key, host text not null references hosts (name), incarnation integer not null, app text not null,
      entrypoint text not null, created_at bigint not null, envelope ${bytes}, is_over integer not null,
      refusal_code text)`,
  ];
  for (const table of tables) await table.execute(db);
}

/** Drills with the answers of hosts, and the orders that were signed for them. */
async function keepDrills(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const bytes = bytesType(dialect);
  const tables = [
    sql`create table drill_orders (
      app text not null, host text not null references hosts (name), name text not null, envelope ${bytes} not null,
      run_id text not null, head text not null, epoch bigint not null, evidence_index bigint not null,
      evidence_path ${bytes} not null, prepared_at bigint not null, primary key (app, host, name))`,
    sql`create table drills (
      id text primary key, kind text not null, app text not null, started_at bigint not null)`,
    sql`create table drill_rows (
      drill_id text not null references drills (id), host text not null references hosts (name),
      incarnation integer not null, name text not null, round integer not null, expected_code text, not_run text,
      order_sha256 text, document ${bytes}, seq bigint, offered_at bigint, durable_at bigint, answered_at bigint,
      answer text, code text, receipt ${bytes}, closed_by text, primary key (drill_id, host, name, round))`,
    sql`create index drill_rows_of_order on drill_rows (order_sha256, host)`,
  ];
  for (const table of tables) await table.execute(db);
}

function bytesType({ name }: Dialect): RawBuilder<unknown> {
  return sql.raw(name === 'sqlite' ? 'blob' : 'bytea');
}
