/** The state of a host, to be looked at and put back between mutations: its journal's rows and its install root. */
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

import type { GateState } from '../../host-agent/gate/machine.ts';
import { parseGateState } from '../../host-agent/gate/state-text.ts';
import type { RunState } from '../../host-agent/run/machine.ts';
import { sha256 } from '../../shared/digest.ts';

/** In the order in which rows can be put back. Directives and outbox go on counting, as they do on a host. */
const TABLES = [
  'runs',
  'materials',
  'ledger_entries',
  'ledger_heads',
  'facts',
  'gate_states',
  'spent_nonces',
  'log_checkpoints',
  'gate_offers',
  'live_runs',
  'trusted_metadata',
  'verified_target',
] as const;
export type JournalRow = Readonly<Record<string, unknown>>;
export type JournalRows = ReadonlyMap<string, readonly JournalRow[]>;

/** A second connection to the journal of a running agent. */
export class JournalView {
  readonly #database: Database.Database;

  constructor(stateDirectory: string) {
    this.#database = new Database(join(stateDirectory, 'journal.sqlite'));
    this.#database.pragma('foreign_keys = ON');
    this.#database.pragma('synchronous = OFF');
  }

  close(): void {
    this.#database.close();
  }

  rows(): JournalRows {
    return new Map(
      TABLES.map((table) => [table, this.#database.prepare<[], JournalRow>(`select * from ${table}`).all()]),
    );
  }

  restore(rows: JournalRows): void {
    this.#database.transaction(() => {
      for (const table of TABLES.toReversed()) this.#database.exec(`delete from ${table}`);
      for (const table of TABLES) for (const row of rows.get(table) ?? []) this.#insert(table, row);
    })();
  }

  /** States of the runs as they stand, by id. */
  runs(): Map<string, RunState> {
    const rows = this.#database.prepare<[], { id: string; state: string }>('select id, state from runs').all();
    return new Map(rows.map(({ id, state }) => [id, JSON.parse(state) as RunState]));
  }

  /** States of the gates as they stand, by application; undefined for what is no state. */
  gates(): Map<string, GateState | undefined> {
    const rows = this.#database.prepare<[], { app: string; state: string }>('select app, state from gate_states').all();
    return new Map(rows.sort((a, b) => (a.app < b.app ? -1 : 1)).map(({ app, state }) => [app, parseGateState(state)]));
  }

  /** Live processes of which nobody has said how they ended. */
  unendedLiveRuns(): number {
    return this.count('select count(*) as n from live_runs where ended = 0');
  }

  lastDirective(): number {
    return this.count('select coalesce(max(seq), 0) as n from directives');
  }

  unhandledDirectives(): number {
    return this.count('select count(*) as n from directives where handled = 0');
  }

  count(sql: string): number {
    return this.#database.prepare<[], { n: number }>(sql).get()?.n ?? 0;
  }

  #insert(table: string, row: JournalRow): void {
    const names = Object.keys(row);
    const sql = `insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`;
    this.#database.prepare(sql).run(...Object.values(row));
  }
}

/** Every path below a folder, unless `leaveOut` says so, with kind, mode and content. */
export function listing(root: string, leaveOut: (path: string) => boolean = () => false): string[] {
  if (!existsSync(root)) return [];
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return paths.filter((path) => !leaveOut(path)).map((path) => describePath(root, path));
}

function describePath(root: string, path: string): string {
  const stat = lstatSync(join(root, path));
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return `link ${path} -> ${readlinkSync(join(root, path))}`;
  if (stat.isDirectory()) return `folder ${mode} ${path}`;
  if (stat.isSocket()) return `socket ${mode} ${path}`;
  return `file ${mode} ${path} ${sha256(readFileSync(join(root, path)))}`;
}

/** Makes `root` what `copy` is. */
export function putBack(root: string, copy: string): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  cpSync(copy, root, { recursive: true, preserveTimestamps: true });
}
