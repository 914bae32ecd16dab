/**
 * Blobs in a private folder, each a file named by its SHA-256. While it arrives it is `<sha256>.part`.
 *
 * A file named by a digest has had that digest when it got its name. It is not synced: after a power cut it may hold
 * anything, so whoever comes back hashes it again.
 */

import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Sha256 } from '../digest.ts';
import { TransientError } from '../errors.ts';
import { diskHint } from './disk-hints.ts';
import { copyPlainFile } from './file-copy.ts';
import { standingAt } from './tree-move.ts';
import { hashFile } from './tree-reader.ts';

const PIECE_BYTES = 256 * 1024;

export function blobPath(folder: string, digest: Sha256): string {
  return join(folder, digest);
}

export function partPath(folder: string, digest: Sha256): string {
  return join(folder, `${digest}.part`);
}

/** How many bytes of a blob of `size` bytes an interrupted run has left; 0 when its part cannot be the beginning. */
export function bytesOfPart(folder: string, digest: Sha256, size: number): number {
  const part = standingAt(partPath(folder, digest));
  return part?.isFile() && part.size < size ? Number(part.size) : 0;
}

/** Copies the file `from` if its content has that digest; tells whether it had. Errors: `TransientError`. */
export async function copyBlob(from: string, { folder, digest }: { folder: string; digest: Sha256 }): Promise<boolean> {
  const part = partPath(folder, digest);
  rmSync(part, { force: true });
  try {
    await copyPlainFile(from, part, { mode: 0o600 });
    // The copy is hashed, not its source: the source may change at any time.
    if ((await hashFile(part)) !== digest) return false;
    renameSync(part, blobPath(folder, digest));
    return true;
  } finally {
    rmSync(part, { force: true });
  }
}

/** A blob that is being received. Close it, whatever happens. */
export class PartFile {
  readonly #folder: string;
  readonly #digest: Sha256;
  readonly #file: number;
  readonly #hash: Hash = createHash('sha256');
  #bytes = 0;

  /** Opens or creates the part; what an interrupted run left of it, up to `size`, is kept. Errors: `TransientError`. */
  constructor(folder: string, digest: Sha256, size: number) {
    this.#folder = folder;
    this.#digest = digest;
    this.#file = guarded(`failed to open the part of blob ${digest}`, () => openPart(partPath(folder, digest)));
    guarded(`failed to read the part of blob ${digest}`, () => this.#resume(size));
  }

  /** How many bytes it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Errors: `TransientError`; what was written of `data` stays, and is the part's end at its next opening. */
  append(data: Uint8Array): void {
    guarded(`failed to write blob ${this.#digest}`, () => {
      for (let at = 0; at < data.byteLength; )
        at += writeSync(this.#file, data, at, data.byteLength - at, this.#bytes + at);
    });
    this.#hash.update(data);
    this.#bytes += data.byteLength;
  }

  /** Gives the blob its name if its digest is the one asked for, else removes it; tells which. Call once. */
  finish(): boolean {
    if (this.#hash.digest('hex') !== this.#digest) {
      this.discard();
      return false;
    }
    const from = partPath(this.#folder, this.#digest);
    guarded(`failed to keep blob ${this.#digest}`, () => renameSync(from, blobPath(this.#folder, this.#digest)));
    return true;
  }

  discard(): void {
    rmSync(partPath(this.#folder, this.#digest), { force: true });
  }

  close(): void {
    closeSync(this.#file);
  }

  #resume(size: number): void {
    const there = fstatSync(this.#file).size;
    // As long as the blob or longer: not its beginning.
    if (there >= size && there > 0) ftruncateSync(this.#file, 0);
    if (there === 0 || there >= size) return;
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let count = 1; count > 0; this.#bytes += count) {
      count = readSync(this.#file, piece, 0, piece.length, this.#bytes);
      this.#hash.update(piece.subarray(0, count));
    }
  }
}

function openPart(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
}

function guarded<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new TransientError(what, { cause, hint: diskHint(cause) });
  }
}
