/** A small journal for tests of the link: real SQLite, real durability, nothing else. */
import Database from 'better-sqlite3';
import type { DirectiveInbox, Outbox, PendingReport } from '../../host-agent/link/journal-ports.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { Directive } from '../../shared/rpc/generated/messages.ts';

export class SqliteJournalPorts implements DirectiveInbox, Outbox {
  readonly #database: Database.Database;
  readonly #listeners = new Set<() => void>();
  readonly #arrivals = new Set<() => void>();
  /** How often each directive was delivered in this process, by its number. */
  readonly deliveries = new Map<number, number>();

  constructor(path: string) {
    this.#database = new Database(path);
    this.#database.pragma('journal_mode = WAL');
    this.#database.pragma('synchronous = FULL');
    this.#database.exec(`
      create table if not exists directives (seq integer primary key, bytes blob not null);
      create table if not exists outbox (id integer primary key autoincrement, bytes blob not null);`);
  }

  lastSeq(): number {
    const row = this.#database.prepare<[], { seq: number | null }>('select max(seq) as seq from directives').get();
    return row?.seq ?? 0;
  }

  accept({ seq, bytes }: { seq: number; bytes: Buffer; message: Directive }): void {
    this.deliveries.set(seq, (this.deliveries.get(seq) ?? 0) + 1);
    if (seq > this.lastSeq() + 1) {
      throw new RejectedError(
        'directive-out-of-order',
        `failed to accept directive ${seq}: expected ${this.lastSeq() + 1}`,
      );
    }
    this.#database.prepare('insert into directives (seq, bytes) values (?, ?) on conflict do nothing').run(seq, bytes);
    for (const listener of this.#arrivals) listener();
  }

  directives(): { seq: number; bytes: Buffer }[] {
    return this.#database
      .prepare<[], { seq: number; bytes: Buffer }>('select seq, bytes from directives order by seq')
      .all();
  }

  append(bytes: Buffer): number {
    const { lastInsertRowid } = this.#database.prepare('insert into outbox (bytes) values (?)').run(bytes);
    for (const listener of this.#listeners) listener();
    return Number(lastInsertRowid);
  }

  pendingAfter(id: number, limit: number): PendingReport[] {
    return this.#database
      .prepare<[number, number], PendingReport>('select id, bytes from outbox where id > ? order by id limit ?')
      .all(id, limit);
  }

  acknowledge(id: number): void {
    this.#database.prepare('delete from outbox where id <= ?').run(id);
    for (const listener of this.#arrivals) listener();
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves once `holds` is true; looked at after every directive and acknowledgement. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#arrivals.delete(look);
        resolve();
      };
      this.#arrivals.add(look);
      look();
    });
  }

  close(): void {
    this.#database.close();
  }
}
