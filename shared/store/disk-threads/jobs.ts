/**
 * What threads do with files. Each takes and gives what can be sent between threads, and ends early, with the signal's
 * reason, when its signal is aborted.
 */
import { createHash } from 'node:crypto';
import { on } from 'node:events';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import type { Sha256 } from '../../digest.ts';
import { TransientError } from '../../errors.ts';
import { type Chunk, ChunkCutter } from '../../release/content/chunk-list.ts';
import { type BlobCopy, type CopyOutcome, copyBlob } from '../copy-blob.ts';
import { diskHint } from '../disk-hints.ts';
import { syncFile } from '../file-copy.ts';
import { hashFile, hashTree, type TreeReading } from '../tree-reader.ts';

/** Files between two looks at the signal. */
const FILES_AT_ONCE = 64;
const PIECE_BYTES = 1024 * 1024;

export interface CutFile {
  readonly chunks: readonly Chunk[];
  readonly sha256: Sha256;
}

export const DISK_JOBS = {
  /** As `hashTree`. */
  'hash-tree': (
    { root, leaveOut, known }: { root: string; leaveOut: readonly string[]; known?: ReadonlyMap<string, Sha256> },
    signal: AbortSignal,
  ): Promise<TreeReading> => hashTree(root, { leaveOut, known, signal }),

  /** As `hashFile`, for each path; undefined for a file that cannot be read or is no plain file. */
  'hash-files': async ({ paths }: { paths: readonly string[] }, signal: AbortSignal) => {
    const digests: (Sha256 | undefined)[] = [];
    for (const path of paths) digests.push(await digestOrNothing(path, signal));
    return digests;
  },

  /** As `copyBlob`, for each. Errors: `TransientError`; what was copied before stays. */
  'copy-blobs': async (
    { copies, folder }: { copies: readonly BlobCopy[]; folder: string },
    signal: AbortSignal,
  ): Promise<CopyOutcome[]> => {
    const outcomes: CopyOutcome[] = [];
    for (const [index, copy] of copies.entries()) {
      if (index % FILES_AT_ONCE === 0) await turn(signal);
      outcomes.push(await copyBlob(copy, folder, signal));
    }
    return outcomes;
  },

  /**
   * The digest of a file that is still being written: `port` says how many bytes stand, and it ends when they are `size`.
   * What is hashed is what the file holds, not what somebody meant to write. Errors: `TransientError`.
   */
  'hash-growing-file': async (
    { path, size, port }: { path: string; size: number; port: MessagePort },
    signal: AbortSignal,
  ): Promise<Sha256> => {
    const file = openPlain(path);
    try {
      const reading = new GrowingFile(file, path);
      for await (const [standing] of on(port, 'message', { signal, close: ['close'] })) {
        reading.readUpTo(standing as number);
        if (reading.bytes === size) break;
      }
      return reading.digest();
    } finally {
      port.close();
      closeSync(file);
    }
  },

  /** The chunks of a plain file, and the digest of the very bytes that were cut. Errors: `TransientError`. */
  'cut-file': async ({ path }: { path: string }, signal: AbortSignal): Promise<CutFile> => {
    const cutter = new ChunkCutter();
    const hash = createHash('sha256');
    for await (const piece of piecesOf(path, signal)) {
      hash.update(piece);
      cutter.add(piece);
    }
    return { chunks: cutter.finish(), sha256: hash.digest('hex') };
  },

  /** Makes the content and mode of each file survive a power cut. Errors: `TransientError`. */
  'sync-files': async ({ paths }: { paths: readonly string[] }, signal: AbortSignal): Promise<void> => {
    for (const [index, path] of paths.entries()) {
      if (index % FILES_AT_ONCE === 0) await turn(signal);
      syncFile(path);
    }
  },
} as const;

export type DiskJobs = typeof DISK_JOBS;
export type DiskJobName = keyof DiskJobs;
export type DiskJobInput<N extends DiskJobName> = Parameters<DiskJobs[N]>[0];
export type DiskJobOutput<N extends DiskJobName> = Awaited<ReturnType<DiskJobs[N]>>;

class GrowingFile {
  readonly #file: number;
  readonly #path: string;
  readonly #hash = createHash('sha256');
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  bytes = 0;

  constructor(file: number, path: string) {
    this.#file = file;
    this.#path = path;
  }

  readUpTo(standing: number): void {
    while (this.bytes < standing) {
      const count = readSync(this.#file, this.#piece, 0, Math.min(PIECE_BYTES, standing - this.bytes), this.bytes);
      if (count === 0) throw new TransientError(`failed to read "${this.#path}": it became shorter`);
      this.#hash.update(this.#piece.subarray(0, count));
      this.bytes += count;
    }
  }

  digest(): Sha256 {
    return this.#hash.digest('hex');
  }
}

async function digestOrNothing(path: string, signal: AbortSignal): Promise<Sha256 | undefined> {
  try {
    return await hashFile(path, { signal });
  } catch (error) {
    if (error instanceof TransientError) return undefined; // gone, changing, or closed to this process
    throw error;
  }
}

async function* piecesOf(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const file = openPlain(path);
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let count = readSync(file, piece); count > 0; count = readSync(file, piece)) {
      yield piece.subarray(0, count);
      await turn(signal);
    }
  } finally {
    closeSync(file);
  }
}

function openPlain(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (cause) {
    throw new TransientError(`failed to open "${path}"`, { cause, hint: diskHint(cause) });
  }
}

/** Lets a message that aborts the signal in. */
async function turn(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}
