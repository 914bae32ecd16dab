/** Many blobs of a bundle in one reading: small ones come out of large reads, large ones in pieces. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { type Sha256, sha256 } from '../../digest.ts';
import { RejectedError, TransientError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Ktr } from '../ktr.ts';

const READ_BYTES = 1024 * 1024;

export interface BlobPiece {
  /** Of the whole blob. */
  readonly sha256: Sha256;
  /** Of the whole blob, in bytes. */
  readonly size: number;
  /** Where `data` begins in the blob. */
  readonly offset: number;
  /** At most `LIMITS.blobChunkBytes`; all of a blob that has no more. */
  readonly data: Buffer;
}

/**
 * The wanted blobs, each from the byte on that is wanted, in the bundle's order; at least one piece of each. What is not
 * wanted of a blob is read and hashed all the same. Errors: `RejectedError('blob-digest-differs')`, for a blob of one
 * piece in front of it, for another behind its last one; `TransientError`.
 */
export async function* readBlobPieces(ktr: Ktr, wanted: ReadonlyMap<Sha256, number>): AsyncGenerator<BlobPiece> {
  await using file = await openBundle(ktr.path);
  const reader = new WindowReader(file, ktr.path);
  for (const [digest, { size, offset }] of ktr.blobs) {
    const from = wanted.get(digest);
    if (from === undefined) continue;
    const place = { sha256: digest, size, start: offset, from };
    if (size <= LIMITS.blobChunkBytes) yield await smallBlob(reader, place);
    else yield* largeBlob(reader, place);
  }
}

interface WantedBlob {
  readonly sha256: Sha256;
  readonly size: number;
  /** Of its first byte in the bundle. */
  readonly start: number;
  /** The first byte that is wanted; there may be none. */
  readonly from: number;
}

async function smallBlob(reader: WindowReader, { sha256: digest, size, start, from }: WantedBlob): Promise<BlobPiece> {
  const content = await reader.read(start, size);
  if (sha256(content) !== digest) throw otherBytes(digest);
  return { sha256: digest, size, offset: from, data: content.subarray(from) };
}

async function* largeBlob(reader: WindowReader, { sha256: digest, size, start, from }: WantedBlob) {
  const hash = createHash('sha256');
  for (let at = 0; at < size; at += LIMITS.blobChunkBytes) {
    const length = Math.min(LIMITS.blobChunkBytes, size - at);
    const data = await reader.read(start + at, length);
    hash.update(data);
    if (at + length <= from) continue;
    const offset = Math.max(at, from);
    yield { sha256: digest, size, offset, data: data.subarray(offset - at) };
  }
  if (hash.digest('hex') !== digest) throw otherBytes(digest);
  if (from >= size) yield { sha256: digest, size, offset: from, data: Buffer.alloc(0) };
}

/** Reads on from where it is asked to, more than is asked for, so that what stands behind is there already. */
class WindowReader {
  readonly #file: FileHandle;
  readonly #path: string;
  #start = 0;
  #window: Buffer = Buffer.alloc(0);

  constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** What is returned stays as it is. */
  async read(start: number, length: number): Promise<Buffer> {
    if (start < this.#start || start + length > this.#start + this.#window.length) await this.#fill(start, length);
    const at = start - this.#start;
    return this.#window.subarray(at, at + length);
  }

  async #fill(start: number, length: number): Promise<void> {
    const window = Buffer.allocUnsafeSlow(Math.max(length, READ_BYTES));
    let filled = 0;
    try {
      for (let count = 1; count > 0 && filled < window.length; filled += count)
        count = (await this.#file.read(window, filled, window.length - filled, start + filled)).bytesRead;
    } catch (cause) {
      throw new TransientError(`failed to read bundle "${this.#path}"`, { cause });
    }
    if (filled < length)
      throw new RejectedError('ktr-truncated', `failed to read bundle: "${this.#path}" ends at byte ${start + filled}`);
    this.#start = start;
    this.#window = window.subarray(0, filled);
  }
}

async function openBundle(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new TransientError(`failed to open bundle "${path}"`, { cause });
  }
}

function otherBytes(digest: Sha256): RejectedError {
  return new RejectedError('blob-digest-differs', `failed to read bundle: the bytes of blob ${digest} are others`);
}
