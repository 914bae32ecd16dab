/** What the link needs of the journal. Both survive a power cut; the link itself keeps nothing. */
import type { Directive } from '../../shared/rpc/generated/messages.ts';

/** Directives in the order of their numbers. */
export interface DirectiveInbox {
  /** The highest number that is durable here; 0 if none. */
  lastSeq(): number | bigint;
  /**
   * Durable once it returns (or resolves). Taking the same directive again does nothing; one that leaves a gap is
   * refused with `RejectedError`, which ends the session: the next one begins at `lastSeq`.
   */
  accept(directive: { seq: number; bytes: Buffer; message: Directive }): Promise<void> | void;
}

export interface PendingReport {
  readonly id: number;
  /** What `encodeReport` made. */
  readonly bytes: Buffer;
}

/** Reports that the control plane must get, with ids that only grow. */
export interface Outbox {
  /** The oldest reports whose id is above `id`, at most `limit`. */
  pendingAfter(id: number, limit: number): readonly PendingReport[];
  /** Everything up to `id` is durable at the control plane and may be forgotten. */
  acknowledge(id: number): void;
  /** Calls `listener` after something was appended, until the returned function is called. */
  onAppend(listener: () => void): () => void;
}
