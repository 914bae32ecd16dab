/**
 * Where the bytes of a release come from. The source is not trusted: `receive` checks each piece against the signed
 * manifest before it is written, and each blob before it is used (P1, P2).
 */
import type { Sha256 } from '../../shared/digest.ts';

export interface BlobWant {
  readonly sha256: Sha256;
  /** The whole blob's size in bytes, above 0: empty files are never asked for. */
  readonly size: number;
  /** Where to begin, below `size`; absent: at 0. Above 0 when an interrupted run has the beginning. */
  readonly offset?: number;
}

export interface BlobPiece {
  readonly sha256: Sha256;
  /** Of the first byte of `data` in the blob. */
  readonly offset: number;
  /** Not empty. */
  readonly data: Buffer;
}

export interface BlobSource {
  /**
   * Yields the blobs in the order of `wants` (at most `LIMITS.blobWantsCount`, no digest twice), the pieces of each in
   * ascending order without a gap, from its `offset` to its end. Throws `TransientError` when the connection is lost;
   * what came before stays and is not asked for again. Leaves out nothing: a missing blob is an error of the source.
   */
  fetch(wants: readonly BlobWant[], options: { readonly signal: AbortSignal }): AsyncIterable<BlobPiece>;
}
