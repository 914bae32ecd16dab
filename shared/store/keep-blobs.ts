/**
 * Keeps many small blobs at once, for the price of fewer flushes than one by one.
 *
 * 1. A blob gets its name when its bytes are durable: all are written aside and synced, then renamed.
 * 2. When the call returns, contents and names survive a power cut: each folder is synced once, behind the renames.
 * 3. A failed call leaves nothing aside; a blob that has its name by then is whole.
 */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sha256 } from '../digest.ts';
import { TransientError } from '../errors.ts';
import { diskHint } from './disk-hints.ts';
import { forEachInParallel } from './in-parallel.ts';

const FOLDER_MODE = 0o700;
const BLOB_MODE = 0o600;
/** Twice as many as Node has threads for files, so that none waits for us. What they flush at once is one flush for the disk. */
const TOGETHER = { width: 8 };

export interface VerifiedBlob {
  readonly sha256: Sha256;
  /** Its digest has been checked. */
  readonly content: Uint8Array;
  /** Where it shall stand. The folder of its folder must exist. */
  readonly path: string;
}

/** `aside`: a new folder on the same file system; it is gone afterwards. Errors: `TransientError`. */
export async function keepVerifiedBlobs(blobs: readonly VerifiedBlob[], { aside }: { aside: string }): Promise<void> {
  try {
    await mkdir(aside, FOLDER_MODE);
    await keepBy(aside, blobs).finally(() => rm(aside, { recursive: true, force: true }));
  } catch (cause) {
    throw new TransientError(`failed to keep ${blobs.length} blobs`, { cause, hint: diskHint(cause) });
  }
}

async function keepBy(aside: string, blobs: readonly VerifiedBlob[]): Promise<void> {
  await forEachInParallel(blobs, TOGETHER, ({ sha256, content }) => writeDurably(join(aside, sha256), content));
  const folders = new Set(blobs.map(({ path }) => dirname(path)));
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  await forEachInParallel(blobs, TOGETHER, ({ sha256, path }) => rename(join(aside, sha256), path));
  // Whoever made a folder: somebody else may have, and not have come to the flush of its own folder yet.
  const parents = new Set([...folders].map((folder) => dirname(folder)));
  await forEachInParallel([...folders, ...parents], TOGETHER, syncFolder);
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  await using file = await open(path, 'wx', BLOB_MODE);
  await writeAll(file, content);
  await file.sync();
}

async function writeAll(file: FileHandle, content: Uint8Array): Promise<void> {
  for (let at = 0; at < content.length; ) at += (await file.write(content, at, content.length - at)).bytesWritten;
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
