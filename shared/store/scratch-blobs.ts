/**
 * Contents by their SHA-256 in one file of a scratch folder: one file to make and to remove, however many they are. Reads
 * and writes block; it is for programs that have nothing else to do.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { Sha256 } from '../digest.ts';
import { TransientError } from '../errors.ts';

const PIECE_BYTES = 1024 * 1024;

export interface ScratchBlob {
  readonly sha256: Sha256;
  readonly size: number;
}

export class ScratchBlobs implements Disposable {
  readonly #path: string;
  readonly #file: number;
  readonly #places = new Map<Sha256, { readonly offset: number; readonly size: number }>();
  #end = 0;

  /** Makes the file at `path`, where nothing may stand. Errors: `TransientError`. */
  constructor(path: string) {
    this.#path = path;
    this.#file = this.#tried(() => openSync(path, 'wx+', 0o600));
  }

  /** Takes a content as it comes; one that is here already takes no room. Errors: `TransientError`, those of `chunks`. */
  async add(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<ScratchBlob> {
    const digest = createHash('sha256');
    let size = 0;
    for await (const chunk of chunks) {
      digest.update(chunk);
      this.#write(chunk, this.#end + size);
      size += chunk.byteLength;
    }
    const sha256 = digest.digest('hex');
    if (!this.#places.has(sha256)) {
      this.#places.set(sha256, { offset: this.#end, size });
      this.#end += size;
    }
    return { sha256, size };
  }

  /** A whole content. Throws when it was never added. Errors: `TransientError`. */
  read(sha256: Sha256): Buffer {
    return Buffer.concat([...this.pieces(sha256)]);
  }

  /** The same, a piece at a time. */
  *pieces(sha256: Sha256): Generator<Buffer> {
    const place = this.#places.get(sha256);
    if (!place) throw new Error(`blob ${sha256} is not in "${this.#path}"`);
    for (let at = 0; at < place.size; at += PIECE_BYTES)
      yield this.#readAt(place.offset + at, Math.min(PIECE_BYTES, place.size - at));
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #readAt(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    this.#tried(() => {
      for (let at = 0; at < length; ) {
        const count = readSync(this.#file, bytes, at, length - at, position + at);
        if (count === 0) throw new Error(`it ends at byte ${position + at}`);
        at += count;
      }
    });
    return bytes;
  }

  #write(chunk: Uint8Array, position: number): void {
    this.#tried(() => {
      for (let at = 0; at < chunk.byteLength; )
        at += writeSync(this.#file, chunk, at, chunk.byteLength - at, position + at);
    });
  }

  #tried<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new TransientError(`failed to use "${this.#path}"`, { cause });
    }
  }
}
