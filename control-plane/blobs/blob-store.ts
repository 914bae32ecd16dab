/**
 * Contents by their SHA-256: `blobs/ab/<sha256>`, and `incoming` for what is still arriving.
 *
 * 1. A blob is visible only when its bytes have its digest and are durable.
 * 2. An interrupted upload keeps what arrived, for as long as `incoming.ts` says; the next one goes on from there.
 * 3. Bytes that cannot become the blob (too many, wrong digest) are thrown away at once.
 */
import { statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { isSha256, type Sha256 } from '../../shared/digest.ts';
import { RejectedError, systemCodeOf, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { makeDirectory } from '../../shared/store/atomic-file.ts';
import { keepVerifiedBlobs } from '../../shared/store/keep-blobs.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { ArrivingBlob, type Upload } from './arriving-blob.ts';
import { Incoming } from './incoming.ts';

const FOLDER_MODE = 0o700;

/** Blobs that are looked for before others get a turn: a millisecond. */
const LOOKS_AT_ONCE = 128;

/** A blob that is not here. */
export interface MissingBlob {
  readonly sha256: Sha256;
  /** How many of its first bytes are. */
  readonly receivedBytes: number;
  /** Whether somebody is bringing it right now. */
  readonly isArriving: boolean;
}

export interface OpenedRange {
  readonly sha256: Sha256;
  readonly offset: number;
  readonly file: FileHandle;
}

export class BlobStore {
  readonly #folder: string;
  readonly #incoming: Incoming;

  /** One at a time in a folder. Removes what was given up long ago. Errors: `TransientError`. */
  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    makeDirectory(join(folder, 'blobs'), { mode: FOLDER_MODE });
    makeDirectory(join(folder, 'incoming'), { mode: FOLDER_MODE });
    this.#incoming = new Incoming(join(folder, 'incoming'), clock);
  }

  /** The size of a blob in bytes; undefined when it is not there. Errors: `digest-malformed`. */
  async sizeOf(sha256: Sha256): Promise<number | undefined> {
    const path = this.pathOf(sha256);
    try {
      return (await stat(path)).size;
    } catch (cause) {
      if (systemCodeOf(cause) === 'ENOENT') return undefined;
      throw new TransientError(`failed to look for blob "${sha256}"`, { cause });
    }
  }

  /**
   * Those of the blobs that are not here, each once, in their order. Errors: `digest-malformed`, `TransientError`.
   */
  async missing(digests: readonly Sha256[]): Promise<MissingBlob[]> {
    const asked = [...new Set(digests)];
    const sizes = await this.sizesOf(asked);
    const parts = new Map(this.#incoming.parts().map((part) => [part.sha256, part]));
    return asked.flatMap((sha256, index) => {
      if (sizes[index] !== undefined) return [];
      const part = parts.get(sha256);
      return [{ sha256, receivedBytes: part?.bytes ?? 0, isArriving: part?.isOpen ?? false }];
    });
  }

  /** As `sizeOf`, for many: one look at the disk each, and a turn for others in between. */
  async sizesOf(digests: readonly Sha256[]): Promise<(number | undefined)[]> {
    const sizes: (number | undefined)[] = [];
    for (const [index, sha256] of digests.entries()) {
      if (index % LOOKS_AT_ONCE === LOOKS_AT_ONCE - 1) await setImmediate();
      sizes.push(this.#sizeNow(sha256));
    }
    return sizes;
  }

  /**
   * Begins a blob, or goes on with one. Errors: `RejectedError` with `digest-malformed`, `blob-too-large`,
   * `upload-offset-mismatch`, `incoming-full`; `TransientError` when the same blob is being uploaded by somebody else.
   */
  begin(upload: Upload): Promise<ArrivingBlob> {
    checkDigest(upload.sha256);
    return ArrivingBlob.begin(upload, this.#incoming);
  }

  /** Makes a blob that is whole visible. Errors: `blob-digest-mismatch`, and then nothing is left; `TransientError`. */
  async keep(blob: ArrivingBlob): Promise<void> {
    makeDirectory(join(this.#folder, 'blobs', blob.sha256.slice(0, 2)), { mode: FOLDER_MODE });
    await blob.keep(this.pathOf(blob.sha256));
  }

  /** Makes small blobs visible, whose digests were checked. Errors: `TransientError`. */
  async keepGroup(contents: ReadonlyMap<Sha256, Uint8Array>): Promise<void> {
    const blobs = [...contents].map(([sha256, content]) => ({ sha256, content, path: this.pathOf(sha256) }));
    await keepVerifiedBlobs(blobs, { aside: this.#incoming.groupPath() });
  }

  /** The bytes from `offset` on, in pieces of at most `LIMITS.blobChunkBytes`. Errors: `blob-not-found`. */
  async *read(sha256: Sha256, offset = 0): AsyncGenerator<Buffer> {
    await using file = await this.open(sha256);
    for (let position = offset; ; ) {
      const { bytesRead, buffer } = await file.read(
        Buffer.allocUnsafe(LIMITS.blobChunkBytes),
        0,
        LIMITS.blobChunkBytes,
        position,
      );
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
  }

  /** Fills `into` with the bytes from `offset` on of a blob that `open` has opened. Errors: `blob-too-short`. */
  async readInto(into: Buffer, { sha256, offset, file }: OpenedRange): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await file.read(into, done, into.length - done, offset + done);
      if (bytesRead === 0) throw tooShort(sha256, offset + into.length);
      done += bytesRead;
    }
  }

  /** To be closed by the caller. Errors: `blob-not-found`. */
  async open(sha256: Sha256): Promise<FileHandle> {
    const path = this.pathOf(sha256);
    try {
      return await open(path, 'r');
    } catch (cause) {
      if (systemCodeOf(cause) !== 'ENOENT') throw new TransientError(`failed to read blob "${sha256}"`, { cause });
      throw new RejectedError('blob-not-found', `failed to read blob "${sha256}": it is not here`, { cause });
    }
  }

  #sizeNow(sha256: Sha256): number | undefined {
    const path = this.pathOf(sha256);
    try {
      return statSync(path, { throwIfNoEntry: false })?.size;
    } catch (cause) {
      throw new TransientError(`failed to look for blob "${sha256}"`, { cause });
    }
  }

  /** Where a blob stands once it is whole. Errors: `digest-malformed`. */
  pathOf(sha256: Sha256): string {
    checkDigest(sha256);
    return join(this.#folder, 'blobs', sha256.slice(0, 2), sha256);
  }
}

/** Errors: `digest-malformed`. */
export function checkDigest(sha256: Sha256): void {
  if (!isSha256(sha256)) {
    throw new RejectedError('digest-malformed', `failed to find blob "${sha256}": expected 64 hexadecimal digits`);
  }
}

function tooShort(sha256: Sha256, expected: number): RejectedError {
  return new RejectedError('blob-too-short', `failed to read blob "${sha256}": expected at least ${expected} bytes`);
}
