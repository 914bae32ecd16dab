/**
 * Contents by their SHA-256: `blobs/ab/<sha256>`, and `incoming/<sha256>.part` for what is still arriving.
 *
 * 1. A blob is visible only when its bytes have its digest and are durable.
 * 2. An interrupted upload keeps what arrived; the next one goes on from there.
 * 3. Bytes that cannot become the blob (too many, wrong digest) are thrown away at once.
 */
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isSha256, type Sha256 } from '../../shared/digest.ts';
import { RejectedError, systemCodeOf, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { makeDirectory, removeTree } from '../../shared/store/atomic-file.ts';
import { openPart, type PartFile, partSize, publishPart } from '../../shared/store/part-file.ts';

const FOLDER_MODE = 0o700;

export interface Upload {
  readonly sha256: Sha256;
  /** The whole size of the blob in bytes. */
  readonly size: number;
  /** Where the first piece begins: exactly what was received so far. */
  readonly offset: number;
}

export class BlobStore {
  readonly #folder: string;
  /** Digests that are being uploaded; a second writer would tear the part. */
  readonly #arriving = new Set<Sha256>();

  constructor(folder: string) {
    this.#folder = folder;
    makeDirectory(join(folder, 'blobs'), { mode: FOLDER_MODE });
    makeDirectory(join(folder, 'incoming'), { mode: FOLDER_MODE });
  }

  /** The size of a blob in bytes; undefined when it is not there. Errors: `digest-malformed`. */
  async sizeOf(sha256: Sha256): Promise<number | undefined> {
    const path = this.#blobPath(sha256);
    try {
      return (await stat(path)).size;
    } catch (cause) {
      if (systemCodeOf(cause) === 'ENOENT') return undefined;
      throw new TransientError(`failed to look for blob "${sha256}"`, { cause });
    }
  }

  /** How many bytes of an unfinished upload are here. Errors: `digest-malformed`. */
  async receivedBytes(sha256: Sha256): Promise<number> {
    return partSize(this.#partPath(sha256));
  }

  /**
   * Takes the bytes of one blob, or the rest of one, until it is whole. Errors: `RejectedError` with
   * `digest-malformed`, `blob-too-large`, `upload-offset-mismatch`, `upload-too-long`, `upload-incomplete`,
   * `blob-digest-mismatch`; `TransientError` when the same blob is being uploaded by somebody else.
   */
  async receive(upload: Upload, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { sha256, size } = upload;
    if (size > LIMITS.fileBytes)
      throw refused(sha256, 'blob-too-large', `${size} bytes, expected at most ${LIMITS.fileBytes}`);
    if ((await this.sizeOf(sha256)) !== undefined) return;
    if (this.#arriving.has(sha256))
      throw new TransientError(`failed to receive blob "${sha256}": it is being uploaded already`);
    this.#arriving.add(sha256);
    try {
      await this.#receiveAlone(upload, pieces);
    } finally {
      this.#arriving.delete(sha256);
    }
  }

  /** The bytes from `offset` on, in pieces of at most `LIMITS.blobChunkBytes`. Errors: `blob-not-found`. */
  async *read(sha256: Sha256, offset = 0): AsyncGenerator<Buffer> {
    await using file = await this.#openBlob(sha256);
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

  async #openBlob(sha256: Sha256) {
    const path = this.#blobPath(sha256);
    try {
      return await open(path, 'r');
    } catch (cause) {
      if (systemCodeOf(cause) !== 'ENOENT') throw new TransientError(`failed to read blob "${sha256}"`, { cause });
      throw new RejectedError('blob-not-found', `failed to read blob "${sha256}": it is not here`, { cause });
    }
  }

  async #receiveAlone(upload: Upload, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const part = this.#partPath(upload.sha256);
    checkOffset(upload, await partSize(part));
    const digest = await this.#fillPart(part, upload, pieces);
    if (digest !== upload.sha256) {
      removeTree(part);
      throw refused(upload.sha256, 'blob-digest-mismatch', `its bytes have the digest "${digest}"`);
    }
    makeDirectory(join(this.#folder, 'blobs', upload.sha256.slice(0, 2)), { mode: FOLDER_MODE });
    await publishPart(part, this.#blobPath(upload.sha256));
  }

  /** Returns the digest of the whole part, which is durable then. */
  async #fillPart(path: string, upload: Upload, pieces: AsyncIterable<Uint8Array>): Promise<Sha256> {
    const part = await openPart(path);
    try {
      return await appendPieces(part, upload, pieces);
    } catch (error) {
      if (error instanceof RejectedError && error.code === 'upload-too-long') removeTree(path);
      throw error;
    } finally {
      await part.keep();
    }
  }

  #blobPath(sha256: Sha256): string {
    checkDigest(sha256);
    return join(this.#folder, 'blobs', sha256.slice(0, 2), sha256);
  }

  #partPath(sha256: Sha256): string {
    checkDigest(sha256);
    return join(this.#folder, 'incoming', `${sha256}.part`);
  }
}

function checkOffset({ sha256, offset }: Upload, received: number): void {
  if (offset === received) return;
  throw refused(sha256, 'upload-offset-mismatch', `the upload begins at ${offset}, expected ${received}`);
}

async function appendPieces(
  part: PartFile,
  { sha256, size }: Upload,
  pieces: AsyncIterable<Uint8Array>,
): Promise<Sha256> {
  const hash = createHash('sha256');
  for await (const piece of part.readBack()) hash.update(piece);
  for await (const piece of pieces) {
    if (part.size + piece.byteLength > size)
      throw refused(sha256, 'upload-too-long', `more than the ${size} bytes it announced`);
    await part.append(piece);
    hash.update(piece);
  }
  if (part.size < size) throw refused(sha256, 'upload-incomplete', `${part.size} of ${size} bytes arrived`);
  return hash.digest('hex');
}

function checkDigest(sha256: Sha256): void {
  if (!isSha256(sha256)) {
    throw new RejectedError('digest-malformed', `failed to find blob "${sha256}": expected 64 hexadecimal digits`);
  }
}

function refused(sha256: Sha256, code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to receive blob "${sha256}": ${reason}`);
}
