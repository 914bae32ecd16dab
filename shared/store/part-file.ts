/**
 * Files that arrive in pieces: written aside at a known offset, made visible only when whole.
 *
 * 1. A part is never visible under its final name; `publishPart` renames it after its bytes are synced.
 * 2. After `keep`, what was written survives a power cut and a later writer goes on from there.
 */
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

import { systemCodeOf, TransientError } from '../errors.ts';

const PART_MODE = 0o600;

/** A part that is open for writing at its end. Every method throws `TransientError` when the disk fails. */
export interface PartFile {
  /** Bytes in the file. */
  readonly size: number;
  append(bytes: Uint8Array): Promise<void>;
  /** The first bytes of the file, piece by piece; to be read before the first `append`. */
  readBack(): AsyncIterable<Buffer>;
  /** Makes what was written durable, and closes. */
  keep(): Promise<void>;
}

/** Opens the part at `path`, making it when it is missing; its folder must exist. */
export async function openPart(path: string): Promise<PartFile> {
  const file = await tried(`open "${path}"`, () => open(path, 'a+', PART_MODE));
  return new AppendedFile(path, file, await tried(`open "${path}"`, async () => (await file.stat()).size));
}

/** The number of bytes of a part; 0 when there is none. */
export async function partSize(path: string): Promise<number> {
  try {
    await using file = await open(path, 'r');
    return (await file.stat()).size;
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return 0;
    throw new TransientError(`failed to read "${path}"`, { cause });
  }
}

/** Gives a kept part its final name, durably. Both folders must exist, on one file system. */
export async function publishPart(part: string, path: string): Promise<void> {
  await tried(`publish "${path}"`, async () => {
    await rename(part, path);
    for (const folder of new Set([dirname(path), dirname(part)])) {
      await using opened = await open(folder, 'r');
      await opened.sync();
    }
  });
}

class AppendedFile implements PartFile {
  readonly #path: string;
  readonly #file: FileHandle;
  size: number;

  constructor(path: string, file: FileHandle, size: number) {
    this.#path = path;
    this.#file = file;
    this.size = size;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await tried(`write "${this.#path}"`, () => this.#file.appendFile(bytes));
    this.size += bytes.byteLength;
  }

  readBack(): AsyncIterable<Buffer> {
    return this.#file.createReadStream({ start: 0, autoClose: false });
  }

  async keep(): Promise<void> {
    await tried(`sync "${this.#path}"`, async () => {
      await using file = this.#file;
      await file.sync();
    });
  }
}

async function tried<T>(action: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new TransientError(`failed to ${action}`, { cause });
  }
}
