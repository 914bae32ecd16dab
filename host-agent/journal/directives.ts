/** Directives in the order in which the control plane numbered them: durable before they are acknowledged. */
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Directive } from '../../shared/rpc/generated/messages.ts';
import type { JournalDatabase } from './journal.ts';
import { prepared } from './prepared.ts';

export interface StoredDirective {
  readonly seq: number;
  readonly bytes: Buffer;
}

/** A directive as it came over the link. */
export interface ReceivedDirective extends StoredDirective {
  /** What the bytes say. */
  readonly message?: Directive;
}

/** Stores a directive by calling `store`, once, alone or in the transaction of what must not wait. */
export type TakeDirective = (directive: ReceivedDirective, store: () => void) => void;

export class DirectiveLog {
  readonly #database: JournalDatabase;
  readonly #take: TakeDirective;
  readonly #listeners = new Set<() => void>();

  constructor(database: JournalDatabase, take: TakeDirective = (_, store) => store()) {
    this.#database = database;
    this.#take = take;
  }

  /** The highest sequence number that is durable here; 0 when there is none. */
  lastSeq(): number {
    const read = prepared<[], { seq: number | null }>(this.#database, 'select max(seq) as seq from directives');
    return read.get()?.seq ?? 0;
  }

  /**
   * Stores the directive. One that is stored already, byte for byte, is accepted again without effect.
   * Errors: `RejectedError` with `directive-out-of-order` (a gap, or one that was forgotten), `directive-rewritten` (same
   * number, other bytes) or `directive-too-large`; nothing is stored then.
   */
  accept(directive: ReceivedDirective): void {
    const { seq, bytes } = directive;
    const stored = this.#read(seq);
    if (stored) {
      checkSameBytes(seq, { stored, received: bytes });
      return;
    }
    const last = this.lastSeq();
    if (seq !== last + 1) {
      throw new RejectedError('directive-out-of-order', `failed to accept directive ${seq}: expected ${last + 1}`);
    }
    checkSize(seq, bytes);
    const insert = prepared<[number, Buffer]>(this.#database, 'insert into directives (seq, bytes) values (?, ?)');
    this.#take(directive, () => void insert.run(seq, bytes));
    for (const listener of this.#listeners) listener();
  }

  /** Directives that are stored and not yet handled, oldest first. */
  unhandled(): StoredDirective[] {
    return prepared<[], StoredDirective>(
      this.#database,
      'select seq, bytes from directives where handled = 0 order by seq',
    ).all();
  }

  /**
   * To be called inside the transaction that makes the directive's consequence durable. Throws for one that was handled
   * before, so that its consequence is not durable twice.
   */
  markHandled(seq: number): void {
    const marked = prepared<[number]>(
      this.#database,
      'update directives set handled = 1 where seq = ? and handled = 0',
    ).run(seq);
    if (marked.changes !== 1) throw new Error(`directive ${seq} does not wait to be handled`);
  }

  /** Forgets those that were handled, but for the `keepCount` last numbers: the newest is never forgotten. */
  forgetHandled({ keepCount }: { readonly keepCount: number }): void {
    this.#database
      .prepare('delete from directives where handled = 1 and seq <= (select max(seq) from directives) - ?')
      .run(Math.max(1, keepCount));
  }

  onAccepted(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #read(seq: number): Buffer | undefined {
    const read = prepared<[number], { bytes: Buffer }>(this.#database, 'select bytes from directives where seq = ?');
    return read.get(seq)?.bytes;
  }
}

/** What is stored stays for long, so it is bounded before it is. */
function checkSize(seq: number, bytes: Buffer): void {
  if (bytes.byteLength <= LIMITS.envelopeBytes) return;
  throw new RejectedError(
    'directive-too-large',
    `failed to accept directive ${seq}: ${bytes.byteLength} bytes, expected at most ${LIMITS.envelopeBytes}`,
  );
}

function checkSameBytes(seq: number, { stored, received }: { stored: Buffer; received: Buffer }): void {
  if (stored.equals(received)) return;
  throw new RejectedError(
    'directive-rewritten',
    `failed to accept directive ${seq}: it differs from the one stored under this number`,
  );
}
