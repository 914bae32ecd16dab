/**
 * What the control plane must get: kept, in order, until it acknowledges. Ids only grow, across restarts too.
 *
 * An acknowledgement counts at once and becomes durable with the next report, or a little later: losing one only sends
 * again what the control plane then knows, and each by itself would cost a sync.
 */
import { RejectedError } from '../../shared/errors.ts';
import { type Clock, systemClock, type Timer } from '../../shared/time/clock.ts';
import type { JournalDatabase } from './journal.ts';
import { prepared } from './prepared.ts';

export interface OutboxRow {
  readonly id: number;
  readonly bytes: Buffer;
}

/** How long a row may outlive its acknowledgement on a host that reports nothing more. */
const FORGET_AFTER_MS = 1_000;

export class JournalOutbox {
  readonly #database: JournalDatabase;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  /** The highest id that was acknowledged since the start. */
  #acknowledgedId = 0;
  #forgetting: Timer | undefined;

  constructor(database: JournalDatabase, clock: Clock = systemClock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** To be called inside the transaction whose fact it reports; `announce` follows once that is committed. */
  append(bytes: Uint8Array): void {
    if (this.#acknowledgedId > 0) this.#deleteAcknowledged();
    prepared<[Buffer]>(this.#database, 'insert into outbox (bytes) values (?)').run(Buffer.from(bytes));
  }

  /** Wakes whoever sends. Losing this call loses nothing: the next one, or a reconnect, finds the rows. */
  announce(): void {
    for (const listener of this.#listeners) listener();
  }

  isEmpty(): boolean {
    return this.pendingAfter(0, 1).length === 0;
  }

  pendingAfter(id: number, limit: number): OutboxRow[] {
    return prepared<[number, number], OutboxRow>(
      this.#database,
      'select id, bytes from outbox where id > ? order by id limit ?',
    ).all(Math.max(id, this.#acknowledgedId), limit);
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
    if (id <= this.#acknowledgedId) return;
    this.#acknowledgedId = id;
    this.#forgetting ??= this.#clock.setTimer(FORGET_AFTER_MS, () => this.#forgetInTime());
  }

  /** Makes durable what was acknowledged. */
  forgetAcknowledged(): void {
    this.#forgetting?.cancel();
    this.#forgetting = undefined;
    this.#deleteAcknowledged();
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #forgetInTime(): void {
    this.#forgetting = undefined;
    if (!this.#database.open) return;
    try {
      this.#deleteAcknowledged();
    } catch {
      // the disk is in the way: the next report takes the rows with it, or they are sent again
    }
  }

  #deleteAcknowledged(): void {
    prepared<[number]>(this.#database, 'delete from outbox where id <= ?').run(this.#acknowledgedId);
  }

  /** The highest id that was ever given, also if its row is gone. */
  #lastId(): number {
    const read = prepared<[], { seq: number }>(this.#database, "select seq from sqlite_sequence where name = 'outbox'");
    return read.get()?.seq ?? 0;
  }
}
