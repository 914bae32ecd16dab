/**
 * Where the bytes of a release come from. The source is not trusted: `receive` checks each piece against the signed
 * manifest before it is written, and each blob before it is used (P1, P2).
 */
import type { Sha256 } from '../../shared/digest.ts';
import type { Chunk } from '../../shared/release/content/chunk-list.ts';
import type { Range } from '../../shared/release/content/segments.ts';

export interface BlobWant {
  readonly sha256: Sha256;
  /** The whole blob's size in bytes, above 0: empty files are never asked for. */
  readonly size: number;
  /** What is wanted of it: not empty, within `size`. */
  readonly at: Range;
  /** Old bytes of this host that the wanted ones may resemble. */
  readonly base?: OfferedBase | undefined;
}

export interface OfferedBase extends Range {
  /** Of the whole old file, as Keyturn once installed it. */
  readonly sha256: Sha256;
  /** Errors: `TransientError`. What comes is of the right length; whether it is unchanged, the new blob's digest tells. */
  read(): Promise<Buffer>;
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
   * Yields what is wanted, in the order of `wants` (at most `LIMITS.blobsPerRequestCount`), without a gap. Throws
   * `TransientError` when the connection is lost; what came before stays and is not asked for again. Leaves out nothing:
   * a missing blob is an error of the source.
   */
  fetch(wants: readonly BlobWant[], options: { readonly signal: AbortSignal }): AsyncIterable<BlobPiece>;
  /**
   * Where a blob of at least `LIMITS.chunkedFileBytes` is cut. It saves traffic and proves nothing. Errors: as `fetch`.
   */
  chunksOf(
    blob: { sha256: Sha256; size: number },
    options: { readonly signal: AbortSignal },
  ): Promise<readonly Chunk[]>;
}
