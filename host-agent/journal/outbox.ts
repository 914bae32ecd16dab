/** What the control plane must get: kept, in order, until it acknowledges. Ids only grow, across restarts too. */
import { RejectedError } from '../../shared/errors.ts';
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

  /**
   * Forgets every row up to `id`: the control plane holds them durably. Errors: `RejectedError` with
   * `acknowledgement-unfounded` for an id that no report ever had; nothing is forgotten then.
   */
  acknowledge(id: number): void {
    const last = this.#lastId();
    if (id > last) {
      throw new RejectedError(
        'acknowledgement-unfounded',
        `failed to acknowledge report ${id}: the last one of this host is ${last}`,
      );
    }
    this.#database.prepare('delete from outbox where id <= ?').run(id);
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The highest id that was ever given, also if its row is gone. */
  #lastId(): number {
    const read = this.#database.prepare<[], number>("select seq from sqlite_sequence where name = 'outbox'");
    return read.pluck().get() ?? 0;
  }
}
