/**
 * The agent's journal: one SQLite file (WAL, `synchronous=FULL`) that holds everything the agent must not forget.
 *
 * 1. What is about to be true is written here first; memory and the outside follow (verify, decide, persist, act).
 * 2. State, ledger entries, head and outbox rows of one step are one transaction.
 * 3. A row that was acknowledged to a peer is durable before the acknowledgement leaves.
 * 4. Enrolment makes it, nobody else: a journal that is gone is never replaced by an empty one, which would have forgotten
 *    what was trusted, installed and killed. One that is damaged or of another version is left as it is.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { RejectedError, systemCodeOf } from '../../shared/errors.ts';
import { makeDirectory } from '../../shared/store/atomic-file.ts';
import { installTrustSchema } from '../trust/metadata-store.ts';
import { explainJournalError, JOURNAL_HINT } from './journal-error.ts';

export type JournalDatabase = Database.Database;

/** In the agent's state folder. */
export const JOURNAL_FILE = 'journal.sqlite';

/** Of the tables below. A later number is a later agent's journal: it is neither read nor changed by guess. */
const JOURNAL_VERSION = 4;
/** Of pages that SQLite keeps in memory; unless said it is 16 MiB, and the check of the whole journal would fill that. */
const CACHE_KIB = 512;
/** `KTRN`; so that no other program's database is taken for a journal. */
const APPLICATION_ID = 0x4b54524e;

/** What the execution gate remembers beside its epoch; since version 2. */
const GATE_SCHEMA = `
  create table gate_states (app text primary key, state text not null) strict;
  create table spent_nonces (
    app text not null,
    nonce text not null,
    primary key (app, nonce)
  ) strict;
  create table log_checkpoints (origin text primary key, size integer not null, root blob not null) strict;
`;

/** The order that a gate is open for, as it came, and what was started by it; since version 3. */
const LIVE_SCHEMA = `
  create table gate_offers (app text primary key, offer blob not null) strict;
  create table live_runs (
    id text primary key,
    app text not null,
    record text not null,
    ended integer not null default 0
  ) strict;
`;

/** Kills that happened on this host and are not yet told in full, and the files KILL that were obeyed; since version 4. */
const HOST_KILL_SCHEMA = `
  create table host_kills (
    id integer primary key autoincrement,
    app text not null,
    reason text not null,
    told_by text not null,
    at_ms integer not null,
    is_answered integer not null default 0
  ) strict;
  create table obeyed_kill_files (app text primary key, file text not null) strict;
`;

/** From the version that is the key to the next one. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: GATE_SCHEMA,
  // Nothing was ever written into it.
  2: `${LIVE_SCHEMA} drop table execution_gates;`,
  3: HOST_KILL_SCHEMA,
};

const SCHEMA = `
  create table runs (
    id text primary key,
    directive integer not null,
    state text not null
  ) strict;
  create table materials (
    run text not null references runs (id),
    name text not null,
    bytes blob not null,
    primary key (run, name)
  ) strict;
  create table ledger_entries (
    run text not null references runs (id),
    seq integer not null,
    bytes blob not null,
    primary key (run, seq)
  ) strict;
  create table ledger_heads (run text primary key references runs (id), envelope blob not null) strict;
  create table facts (
    run text not null references runs (id),
    name text not null,
    value text not null,
    primary key (run, name)
  ) strict;
  create table directives (
    seq integer primary key,
    bytes blob not null,
    handled integer not null default 0
  ) strict;
  create table outbox (id integer primary key autoincrement, bytes blob not null) strict;
  ${GATE_SCHEMA}
  ${LIVE_SCHEMA}
  ${HOST_KILL_SCHEMA}
`;

/**
 * Opens the journal, and makes it where there is none: for enrolment alone. Errors: as `openJournal`, but for
 * `journal-missing`.
 */
export function createJournal(stateDirectory: string): JournalDatabase {
  makeDirectory(stateDirectory, { mode: 0o700 });
  return opened(stateDirectory, {}, (database) => {
    prepare(database);
    database.transaction(() => makeSchema(database)).immediate();
    checkVersion(database, stateDirectory);
    checkWhole(database, stateDirectory);
    database.transaction(() => migrate(database)).immediate();
  });
}

/**
 * Opens `<stateDirectory>/journal.sqlite`, reads all of it once, and brings one of an earlier version up to date. Errors: `RejectedError` with `journal-missing`,
 * `journal-corrupt` or `journal-version-unknown`; `TransientError` when the disk is full, read-only or out of reach.
 * Nothing is changed then.
 */
export function openJournal(stateDirectory: string): JournalDatabase {
  checkIsThere(stateDirectory);
  return opened(stateDirectory, { fileMustExist: true }, (database) => {
    checkVersion(database, stateDirectory);
    checkWhole(database, stateDirectory);
    prepare(database);
    database.transaction(() => migrate(database)).immediate();
  });
}

/**
 * Opens the journal for reading where it lies, or where it was copied to; SQLite then makes files beside it, which
 * `openJournalToRead` sees to. Errors: as `openJournal`.
 */
export function openJournalInPlace(
  stateDirectory: string,
  { copiedTo = stateDirectory }: { copiedTo?: string } = {},
): JournalDatabase {
  checkIsThere(stateDirectory);
  return opened(copiedTo, { readonly: true }, (database) => checkVersion(database, stateDirectory));
}

/** A journal that cannot be made ready is closed again. */
function opened(
  stateDirectory: string,
  options: Database.Options,
  makeReady: (database: JournalDatabase) => void,
): JournalDatabase {
  let database: JournalDatabase | undefined;
  try {
    database = new Database(pathOf(stateDirectory), options);
    database.pragma(`cache_size = -${CACHE_KIB}`);
    makeReady(database);
    return database;
  } catch (error) {
    database?.close();
    throw explainJournalError(error);
  }
}

function prepare(database: JournalDatabase): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
}

/** Does nothing to a file that has any table: whose that is, `checkVersion` decides. */
function makeSchema(database: JournalDatabase): void {
  if (tableCount(database) > 0) return;
  database.exec(SCHEMA);
  installTrustSchema(database);
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma(`user_version = ${JOURNAL_VERSION}`);
}

/** All steps or none; each leaves what was there as it was. */
function migrate(database: JournalDatabase): void {
  for (let version = versionOf(database); version < JOURNAL_VERSION; version += 1) {
    database.exec(MIGRATIONS[version] ?? '');
    database.pragma(`user_version = ${version + 1}`);
  }
}

function versionOf(database: JournalDatabase): number {
  return Number(database.pragma('user_version', { simple: true }));
}

function checkIsThere(stateDirectory: string): void {
  if ((sizeOf(pathOf(stateDirectory)) ?? 0) > 0) return;
  throw new RejectedError('journal-missing', `failed to open the journal in "${stateDirectory}": there is none`, {
    hint: JOURNAL_HINT,
  });
}

function checkVersion(database: JournalDatabase, stateDirectory: string): void {
  const id = database.pragma('application_id', { simple: true });
  const version = versionOf(database);
  const isKnown = version === JOURNAL_VERSION || Object.hasOwn(MIGRATIONS, version);
  if (id === APPLICATION_ID && isKnown) return;
  const actual = id === APPLICATION_ID ? `version ${version}` : 'no journal of an agent';
  throw new RejectedError(
    'journal-version-unknown',
    `failed to open the journal in "${stateDirectory}": expected version ${JOURNAL_VERSION}, got ${actual}`,
    { hint: 'run the version of the agent that wrote it' },
  );
}

/** Pages that are damaged or cut off are found now, not in the middle of a run. */
function checkWhole(database: JournalDatabase, stateDirectory: string): void {
  const found = String(database.pragma('quick_check(1)', { simple: true }));
  if (found === 'ok') return;
  throw new RejectedError('journal-corrupt', `failed to open the journal in "${stateDirectory}": ${found}`, {
    hint: JOURNAL_HINT,
  });
}

function tableCount(database: JournalDatabase): number {
  return database.prepare<[], number>('select count(*) from sqlite_schema').pluck().get() ?? 0;
}

function sizeOf(path: string): number | undefined {
  try {
    return statSync(path).size;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function pathOf(stateDirectory: string): string {
  return join(stateDirectory, JOURNAL_FILE);
}
