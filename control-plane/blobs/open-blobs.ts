/** Large blobs that are being sent: opened once, not once a parcel. Whoever reads holds the file open; so nothing is closed under him. */
import type { FileHandle } from 'node:fs/promises';
import type { Sha256 } from '../../shared/digest.ts';
import type { BlobStore } from './blob-store.ts';

interface OpenBlob {
  readonly file: Promise<FileHandle>;
  readers: number;
}

/** Kept open although nobody reads: the next parcel is likely to be of the same blob. */
const IDLE_COUNT = 2;

export class OpenBlobs implements AsyncDisposable {
  readonly #blobs: BlobStore;
  readonly #open = new Map<Sha256, OpenBlob>();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** Errors: those of `BlobStore.readInto`. */
  async readInto(into: Buffer, { sha256, offset }: { sha256: Sha256; offset: number }): Promise<void> {
    const blob = this.#open.get(sha256) ?? { file: this.#blobs.open(sha256), readers: 0 };
    this.#open.set(sha256, blob);
    blob.readers += 1;
    try {
      await this.#blobs.readInto(into, { sha256, offset, file: await blob.file });
    } finally {
      blob.readers -= 1;
      await this.#closeIdle(IDLE_COUNT);
    }
  }

  /** To be called when nobody reads any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeIdle(0);
  }

  async #closeIdle(kept: number): Promise<void> {
    const idle = [...this.#open].filter(([, { readers }]) => readers === 0);
    for (const [sha256, { file }] of idle.slice(0, Math.max(0, idle.length - kept))) {
      this.#open.delete(sha256);
      await file.then(
        (opened) => opened.close(),
        () => undefined, // it was never opened: its reader was told why
      );
    }
  }
}
