/**
 * The agent's journal: one SQLite file (WAL, `synchronous=FULL`) that holds everything the agent must not forget.
 *
 * 1. What is about to be true is written here first; memory and the outside follow (verify, decide, persist, act).
 * 2. State, ledger entries, head and outbox rows of one step are one transaction.
 * 3. A row that was acknowledged to a peer is durable before the acknowledgement leaves.
 */

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { makeDirectory } from '../../shared/store/atomic-file.ts';
import { installTrustSchema } from '../trust/metadata-store.ts';

export type JournalDatabase = Database.Database;

const SCHEMA = `
  create table if not exists runs (
    id text primary key,
    directive integer not null,
    state text not null
  ) strict;
  create table if not exists materials (
    run text not null references runs (id),
    name text not null,
    bytes blob not null,
    primary key (run, name)
  ) strict;
  create table if not exists ledger_entries (
    run text not null references runs (id),
    seq integer not null,
    bytes blob not null,
    primary key (run, seq)
  ) strict;
  create table if not exists ledger_heads (run text primary key references runs (id), envelope blob not null) strict;
  create table if not exists facts (
    run text not null references runs (id),
    name text not null,
    value text not null,
    primary key (run, name)
  ) strict;
  create table if not exists directives (
    seq integer primary key,
    bytes blob not null,
    handled integer not null default 0
  ) strict;
  create table if not exists outbox (id integer primary key autoincrement, bytes blob not null) strict;
  create table if not exists execution_gates (
    app text primary key,
    epoch integer not null,
    reason text not null
  ) strict;
`;

/** Opens `<stateDirectory>/journal.sqlite`, made when it is not there. Errors: SQLite's own, never swallowed. */
export function openJournal(stateDirectory: string): JournalDatabase {
  makeDirectory(stateDirectory, { mode: 0o700 });
  const database = new Database(join(stateDirectory, 'journal.sqlite'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.exec(SCHEMA);
  installTrustSchema(database);
  return database;
}
