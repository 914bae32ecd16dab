/**
 * A file that arrives in pieces: written aside, made visible under its own name only when whole.
 *
 * 1. What an interrupted writer left is its beginning, if it can be one; it is hashed again before it counts.
 * 2. It follows no link, and it is never visible under its final name before `publish`.
 * 3. It survives a power cut only where its writer asks for it: `sync`, `publishDurably`.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Sha256 } from '../digest.ts';
import { TransientError } from '../errors.ts';
import { diskHint } from './disk-hints.ts';
import { type PartDigest, StreamedDigest } from './part-digest.ts';

const PART_MODE = 0o600;
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const PIECE_BYTES = 256 * 1024;

export interface PartOptions {
  /** More bytes than that are not the beginning of what arrives. */
  readonly keepUpTo: number;
  /** How the digest of the file at this path is found; `StreamedDigest` unless said. */
  readonly digest?: ((path: string) => PartDigest) | undefined;
}

/** A part that is open for writing at its end. After an error of a method nothing but `discard` and `close` is of use. */
export class PartFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #digest: PartDigest;
  #bytes = 0;

  private constructor(path: string, { file, digest }: { file: FileHandle; digest: PartDigest }) {
    this.path = path;
    this.#file = file;
    this.#digest = digest;
  }

  /**
   * Opens the part at `path`, or makes it; its folder must exist. What is there is kept up to `keepUpTo` bytes; more
   * than that is not the beginning of what arrives, and is thrown away. Close it, whatever happens. Errors: `TransientError`.
   */
  static async open(path: string, { keepUpTo, digest }: PartOptions): Promise<PartFile> {
    const file = await tried(`open "${path}"`, () => open(path, FLAGS, PART_MODE));
    try {
      const part = new PartFile(path, { file, digest: digest?.(path) ?? new StreamedDigest() });
      await tried(`read "${path}"`, () => part.#resume(keepUpTo));
      return part;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** How many bytes it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Errors: `TransientError`; what was written of `data` stays, and is the part's end at its next opening. */
  async append(data: Uint8Array): Promise<void> {
    await tried(`write "${this.path}"`, async () => {
      const written = writeAll(this.#file, data, this.#bytes);
      // Meanwhile: the disk works on another thread.
      this.#digest.writing(data);
      await written;
    });
    this.#bytes += data.byteLength;
    this.#digest.written(this.#bytes);
  }

  /** Of everything that it holds. To be called once, after the last `append`. Errors: `TransientError`. */
  digest(): Promise<Sha256> {
    return this.#digest.value();
  }

  /** Makes what was written survive a power cut. Errors: `TransientError`. */
  async sync(): Promise<void> {
    await tried(`sync "${this.path}"`, () => this.#file.sync());
  }

  /** Gives it its name, on the same file system. Errors: `TransientError`. */
  async publish(path: string): Promise<void> {
    await tried(`keep "${path}"`, () => rename(this.path, path));
  }

  /** The same; when it returns, content and name survive a power cut. Errors: `TransientError`. */
  async publishDurably(path: string): Promise<void> {
    await this.sync();
    await this.publish(path);
    await tried(`sync the folder of "${path}"`, async () => {
      await using folder = await open(dirname(path), 'r');
      await folder.sync();
    });
  }

  /** Errors: `TransientError`. */
  async discard(): Promise<void> {
    await tried(`remove "${this.path}"`, () => rm(this.path, { force: true }));
  }

  async close(): Promise<void> {
    this.#digest.close();
    await this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #resume(keepUpTo: number): Promise<void> {
    if ((await this.#file.stat()).size > keepUpTo) await this.#file.truncate(0);
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let count = 1; count > 0; this.#bytes += count) {
      count = (await this.#file.read(piece, 0, piece.length, this.#bytes)).bytesRead;
      this.#digest.writing(piece.subarray(0, count));
    }
    this.#digest.written(this.#bytes);
  }
}

async function writeAll(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < data.byteLength; )
    at += (await file.write(data, at, data.byteLength - at, position + at)).bytesWritten;
}

async function tried<T>(action: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new TransientError(`failed to ${action}`, { cause, hint: diskHint(cause) });
  }
}
