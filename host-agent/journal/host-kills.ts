/**
 * Kills that happened on this host itself, until the control plane can hear of them in full: written in the transaction that
 * closes the gate, and forgotten in the one that says that nothing runs any more. Which file KILL an application has obeyed
 * is remembered beside them, so that one file is obeyed once, however often the agent starts.
 */
import type { JournalDatabase } from './journal.ts';
import { prepared } from './prepared.ts';

export interface HostKill {
  readonly app: string;
  readonly reason: string;
  /** Who told the host: a name, and nothing that proves it. */
  readonly by: string;
  readonly atMs: number;
}

export interface StoredHostKill extends HostKill {
  readonly id: number;
  /** That it was obeyed stands in the outbox; that nothing runs any more does not. */
  readonly isAnswered: boolean;
}

export class HostKills {
  readonly #database: JournalDatabase;

  constructor(database: JournalDatabase) {
    this.#database = database;
  }

  /** To be called inside the transaction that closes the gate. */
  add({ app, reason, by, atMs }: HostKill): void {
    prepared<[string, string, string, number]>(
      this.#database,
      'insert into host_kills (app, reason, told_by, at_ms) values (?, ?, ?, ?)',
    ).run(app, reason, by, atMs);
  }

  /** Oldest first. */
  untold(): StoredHostKill[] {
    const rows = prepared<[], HostKill & { id: number; isAnswered: number }>(
      this.#database,
      `select id, app, reason, told_by as "by", at_ms as atMs, is_answered as isAnswered from host_kills order by id`,
    ).all();
    return rows.map((row) => ({ ...row, isAnswered: row.isAnswered === 1 }));
  }

  areAny(): boolean {
    return prepared<[]>(this.#database, 'select 1 from host_kills limit 1').get() !== undefined;
  }

  /** To be called inside the transaction of the answer. */
  markAnswered(id: number): void {
    prepared<[number]>(this.#database, 'update host_kills set is_answered = 1 where id = ?').run(id);
  }

  /** To be called inside the transaction of the last answer. */
  forget(id: number): void {
    prepared<[number]>(this.#database, 'delete from host_kills where id = ?').run(id);
  }

  /** The file KILL that the application has obeyed last. */
  obeyedFile(app: string): string | undefined {
    return prepared<[string], { file: string }>(this.#database, 'select file from obeyed_kill_files where app = ?').get(
      app,
    )?.file;
  }

  /** To be called inside the transaction that closes the gate. */
  saveObeyedFile(app: string, file: string): void {
    prepared<[string, string]>(
      this.#database,
      'insert or replace into obeyed_kill_files (app, file) values (?, ?)',
    ).run(app, file);
  }
}
