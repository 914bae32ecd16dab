/** What the control plane must get: kept, in order, until it acknowledges. */
import type { JournalDatabase } from './journal.ts';

export interface OutboxRow {
  readonly id: number;
  readonly bytes: Buffer;
}

export class JournalOutbox {
  readonly #database: JournalDatabase;
  readonly #listeners = new Set<() => void>();

  constructor(database: JournalDatabase) {
    this.#database = database;
  }

  /** To be called inside the transaction whose fact it reports; `announce` follows once that is committed. */
  append(bytes: Uint8Array): void {
    this.#database.prepare('insert into outbox (bytes) values (?)').run(Buffer.from(bytes));
  }

  /** Wakes whoever sends. Losing this call loses nothing: the next one, or a reconnect, finds the rows. */
  announce(): void {
    for (const listener of this.#listeners) listener();
  }

  pendingAfter(id: number, limit: number): OutboxRow[] {
    return this.#database
      .prepare<[number, number], OutboxRow>('select id, bytes from outbox where id > ? order by id limit ?')
      .all(id, limit);
  }

  /** Forgets every row up to `id`: the control plane holds them durably. */
  acknowledge(id: number): void {
    this.#database.prepare('delete from outbox where id <= ?').run(id);
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
