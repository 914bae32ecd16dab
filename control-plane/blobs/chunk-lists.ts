/**
 * The chunks of large blobs, cut when somebody first asks and kept as long as the process runs: cutting a gigabyte
 * takes seconds of a thread, and the hosts of a rollout all ask for the same.
 */
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { type PackedChunks, packChunks } from '../../shared/release/content/chunk-list.ts';
import { inDiskThread } from '../../shared/store/disk-threads/disk-threads.ts';
import type { BlobStore } from './blob-store.ts';

export class ChunkLists {
  readonly #blobs: BlobStore;
  readonly #lists = new Map<Sha256, Promise<PackedChunks>>();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** Errors: `RejectedError` with `blob-not-found`, `digest-malformed` or `blob-not-chunked`; `TransientError`. */
  async of(sha256: Sha256): Promise<PackedChunks> {
    const size = await this.#blobs.sizeOf(sha256);
    if (size === undefined) {
      throw new RejectedError('blob-not-found', `failed to cut blob "${sha256}": it is not here`);
    }
    if (size < LIMITS.chunkedFileBytes) {
      throw new RejectedError('blob-not-chunked', `failed to cut blob "${sha256}": it has ${size} bytes only`);
    }
    return this.#lists.get(sha256) ?? this.#cut(sha256);
  }

  #cut(sha256: Sha256): Promise<PackedChunks> {
    const list = inDiskThread('cut-file', { path: this.#blobs.pathOf(sha256) }).then(({ chunks }) =>
      packChunks(chunks),
    );
    this.#lists.set(sha256, list);
    // What failed is tried again by whoever asks next.
    list.catch(() => this.#lists.delete(sha256));
    const [oldest] = this.#lists.keys();
    if (oldest !== undefined && this.#lists.size > LIMITS.chunkListCount) this.#lists.delete(oldest);
    return list;
  }
}
