/**
 * Blobs in a private folder, each a file named by its SHA-256. While it arrives it is `<sha256>.part`.
 *
 * A file named by a digest has had that digest when it got its name. It is not synced: after a power cut it may hold
 * anything, so whoever comes back hashes it again.
 */
import { closeSync, constants, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Sha256 } from '../digest.ts';
import { TransientError } from '../errors.ts';
import { diskHint } from './disk-hints.ts';
import { DiskDigest } from './part-digest.ts';
import { PartFile } from './part-file.ts';
import { standingAt } from './tree-move.ts';

export const BLOB_MODE = 0o600;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

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

/** Writes a blob whose digest was checked, under its name. Errors: `TransientError`, and then nothing has that name. */
export function keepBlobContent(content: Uint8Array, { folder, digest }: { folder: string; digest: Sha256 }): void {
  const part = partPath(folder, digest);
  onDisk(digest, () => {
    rmSync(part, { force: true });
    const file = openSync(part, NEW_FILE, BLOB_MODE);
    try {
      for (let at = 0; at < content.length; ) at += writeSync(file, content, at);
    } finally {
      closeSync(file);
    }
    renameSync(part, blobPath(folder, digest));
  });
}

/** Turns what the system throws into a `TransientError`. */
export function onDisk<T>(digest: Sha256, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new TransientError(`failed to keep blob ${digest}`, { cause, hint: diskHint(cause) });
  }
}

/** Hashed as it stands on the disk, by another thread: hashing this much takes as long as starting one. */
const LARGE_BYTES = 16 * 1024 * 1024;

/** Whether the digest of a blob of `size` bytes is that of the file on the disk, not of the bytes that were written. */
export function isReadFromDisk(size: number): boolean {
  return size >= LARGE_BYTES;
}

/** Opens the part of a blob of `size` bytes; what an interrupted run left of it is kept. Errors: `TransientError`. */
export function openBlobPart(
  folder: string,
  { digest, size, signal }: { digest: Sha256; size: number; signal: AbortSignal },
): Promise<PartFile> {
  return PartFile.open(partPath(folder, digest), {
    // What is as long as the blob is not its beginning, as in `bytesOfPart`.
    keepUpTo: size - 1,
    digest: isReadFromDisk(size) ? (path) => new DiskDigest(path, { size, signal }) : undefined,
  });
}

/** Gives the blob its name if its digest is the one asked for, else removes it; tells which. Errors: `TransientError`. */
export async function keepBlob(
  part: PartFile,
  { folder, digest }: { folder: string; digest: Sha256 },
): Promise<boolean> {
  const isBlob = (await part.digest()) === digest;
  if (isBlob) await part.publish(blobPath(folder, digest));
  else await part.discard();
  return isBlob;
}
