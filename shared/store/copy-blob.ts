/**
 * Copies files of this host into a folder of blobs. A copy counts only if its bytes have the digest asked for, whatever
 * the file was said to be; it has an inode of its own, so nobody who can write to the source can change it (P5).
 */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { type Sha256, sha256 } from '../digest.ts';
import { BLOB_MODE, blobPath, keepBlobContent, onDisk, partPath } from './blob-file.ts';
import { hashFile } from './tree-reader.ts';

/** Read into memory as a whole: one pass for hash and copy. Larger ones share their blocks where the file system can. */
const SMALL_BYTES = 1024 * 1024;
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

export interface BlobCopy {
  readonly from: string;
  /** What the file is expected to hold. */
  readonly sha256: Sha256;
  readonly size: number;
}

/** `other`: it stands there with another content or size, or cannot be read. */
export type CopyOutcome = 'copied' | 'other';

/** Errors: `TransientError` when the folder's disk refuses. What cannot be read is passed over. */
export async function copyBlob(copy: BlobCopy, folder: string, signal: AbortSignal): Promise<CopyOutcome> {
  const source = openSource(copy);
  if (source === undefined) return 'other';
  try {
    if (copy.size <= SMALL_BYTES) return copySmall(source, copy, folder);
    return await copyLarge(source, copy, { folder, signal });
  } finally {
    closeSync(source);
  }
}

function copySmall(source: number, { sha256: digest, size }: BlobCopy, folder: string): CopyOutcome {
  const content = readWhole(source, size);
  if (content === undefined || sha256(content) !== digest) return 'other';
  keepBlobContent(content, { folder, digest });
  return 'copied';
}

async function copyLarge(
  source: number,
  { sha256: digest }: BlobCopy,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<CopyOutcome> {
  const part = partPath(folder, digest);
  try {
    onDisk(digest, () => {
      rmSync(part, { force: true });
      // The open file, not its name: the name may stand for something else by now.
      copyFileSync(`/proc/self/fd/${source}`, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      chmodSync(part, BLOB_MODE);
    });
    // The copy is hashed, not its source: the source may change at any time.
    if ((await hashFile(part, { signal })) !== digest) return 'other';
    onDisk(digest, () => renameSync(part, blobPath(folder, digest)));
    return 'copied';
  } finally {
    rmSync(part, { force: true });
  }
}

function openSource({ from, size }: BlobCopy): number | undefined {
  let file: number;
  try {
    file = openSync(from, READ_ONLY);
  } catch {
    return undefined; // gone, a link, or closed to this process: it has nothing for us
  }
  const stat = fstatSync(file);
  if (stat.isFile() && stat.size === size) return file;
  closeSync(file);
  return undefined;
}

function readWhole(file: number, size: number): Buffer | undefined {
  const content = Buffer.allocUnsafe(size);
  try {
    let done = 0;
    for (let count = 1; count > 0 && done < size; done += count)
      count = readSync(file, content, done, size - done, done);
    return done === size ? content : undefined;
  } catch {
    return undefined; // its disk cannot read it: another source may
  }
}
