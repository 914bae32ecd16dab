import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { PartFile } from '../../shared/store/part-file.ts';
import type { Incoming } from './incoming.ts';

export interface Upload {
  readonly sha256: Sha256;
  /** The whole size of the blob in bytes. */
  readonly size: number;
  /** Where the first piece begins: exactly what was received so far. */
  readonly offset: number;
}

/** One blob that arrives in pieces. What it has when it is disposed of is kept, unless it cannot become the blob. */
export class ArrivingBlob implements AsyncDisposable {
  readonly #upload: Upload;
  readonly #part: PartFile;
  readonly #place: Disposable;
  #isSettled = false;

  private constructor(upload: Upload, part: PartFile, place: Disposable) {
    this.#upload = upload;
    this.#part = part;
    this.#place = place;
  }

  /** Errors: `blob-too-large`, `upload-offset-mismatch`, those of `Incoming.take`; `TransientError`. */
  static async begin(upload: Upload, incoming: Incoming): Promise<ArrivingBlob> {
    const { sha256, size } = upload;
    if (size > LIMITS.releaseBytes)
      throw refused(sha256, 'blob-too-large', `${size} bytes, expected at most ${LIMITS.releaseBytes}`);
    const place = incoming.take(upload);
    try {
      // Before what is there is hashed, which takes long where it is much.
      checkOffset(upload, incoming.bytesOf(sha256));
      return new ArrivingBlob(upload, await openPart(upload, incoming.pathOf(sha256)), place);
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }

  get sha256(): Sha256 {
    return this.#upload.sha256;
  }

  get size(): number {
    return this.#upload.size;
  }

  /** How many of its bytes are here. */
  get bytes(): number {
    return this.#part.bytes;
  }

  /** Errors: `upload-too-long`, and then nothing of it is left; `TransientError`. */
  async append(data: Uint8Array): Promise<void> {
    if (this.bytes + data.byteLength > this.size) {
      await this.#discard();
      throw refused(this.sha256, 'upload-too-long', `more than the ${this.size} bytes it announced`);
    }
    await this.#part.append(data);
  }

  /** Makes the blob visible at `path`. Errors: `blob-digest-mismatch`, and then nothing is left; `TransientError`. */
  async keep(path: string): Promise<void> {
    const digest = await this.#part.digest();
    if (digest !== this.sha256) {
      await this.#discard();
      throw digestMismatch(this.sha256, digest);
    }
    await this.#part.publishDurably(path);
    this.#isSettled = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await (this.#isSettled ? this.#part.close() : leave(this.#part));
    } finally {
      this.#place[Symbol.dispose]();
    }
  }

  async #discard(): Promise<void> {
    this.#isSettled = true;
    await this.#part.discard();
  }
}

async function openPart(upload: Upload, path: string): Promise<PartFile> {
  const part = await PartFile.open(path, { keepUpTo: upload.size });
  if (part.bytes === upload.offset) return part;
  await leave(part);
  throw offsetMismatch(upload, part.bytes);
}

/** For whoever goes on with it. */
async function leave(part: PartFile): Promise<void> {
  try {
    if (part.bytes === 0) await part.discard();
    // It only spares sending it again: a part is hashed anew when it is opened.
    else await part.sync().catch(() => undefined);
  } finally {
    await part.close();
  }
}

export function digestMismatch(sha256: Sha256, actual: Sha256): RejectedError {
  return refused(sha256, 'blob-digest-mismatch', `its bytes have the digest "${actual}"`);
}

function checkOffset(upload: Upload, received: number): void {
  if (upload.offset !== received) throw offsetMismatch(upload, received);
}

function offsetMismatch({ sha256, offset }: Upload, received: number): RejectedError {
  return refused(sha256, 'upload-offset-mismatch', `the upload begins at ${offset}, expected ${received}`);
}

function refused(sha256: Sha256, code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to receive blob "${sha256}": ${reason}`);
}
