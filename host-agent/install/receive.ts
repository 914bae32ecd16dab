/**
 * Gets the content of a release into the run's staging folder: from an interrupted run, from the agent's cache, from
 * older installations beside it, and the rest from the source.
 *
 * 1. Whatever the way, a blob is used only after its bytes, as they stand in staging, were hashed to its digest (P1).
 * 2. Nothing outside `.keyturn` is written, and what stands there is copied, never linked (P5).
 * 3. It may be called again after a crash or a lost connection; what has arrived is hashed and not asked for again (P8).
 */
import type { Sha256 } from '../../shared/digest.ts';
import { manifestFiles } from '../../shared/release/manifest.ts';
import { removeTree } from '../../shared/store/atomic-file.ts';
import { blobPath, keepBlob, openBlobPart } from '../../shared/store/blob-file.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import { hashFile } from '../../shared/store/tree-reader.ts';
import type { BlobSource } from './blob-source.ts';
import { fetchBlobs } from './fetch-blobs.ts';
import type { InstallContext } from './install-context.ts';
import type { MissingBlobs } from './missing-blobs.ts';
import { takeOldCopies } from './old-copies.ts';
import { contentFolder, openStaging } from './staging.ts';
import { takeBackContent } from './take-back.ts';

export interface ReceiveReport {
  readonly manifestDigest: Sha256;
  /** Of the manifest. */
  readonly files: number;
  readonly bytes: number;
  /** Different contents among them; each is fetched or copied once. `fetchedFiles + copiedFiles` equals it. */
  readonly distinctFiles: number;
  readonly fetchedFiles: number;
  /** Bytes that came from the source; less than the files' sizes where an interrupted run had begun them. */
  readonly fetchedBytes: number;
  /** Found on this host: in an interrupted run, the cache or an older installation. */
  readonly copiedFiles: number;
  readonly copiedBytes: number;
}

export interface ReceiveProgress {
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

export interface ReceiveOptions {
  readonly source: BlobSource;
  readonly onProgress?: (progress: ReceiveProgress) => void;
}

/**
 * Errors: `RejectedError` of `openStaging` or `fetchBlobs` (the source is wrong: give up), `TransientError` (call
 * again), the signal's reason. Whatever happens, the install root holds nothing new but `.keyturn`.
 */
export async function receive(context: InstallContext, options: ReceiveOptions): Promise<ReceiveReport> {
  openStaging(context.places);
  context.testOnlyAfterEffect?.('staging-opened');
  takeBackContent(context);
  const files = manifestFiles(context.manifest);
  const missing: MissingBlobs = new Map(files.map(({ sha256, size }) => [sha256, size]));
  const distinct = tally(missing);
  await keepReceived(context, missing);
  const oldCopies = await takeOldCopies(context, missing);
  await makeEmptyBlob(context, missing);
  const wanted = tally(missing);
  const fetchedBytes = await fetchBlobs(context, {
    missing,
    source: options.source,
    oldCopies,
    onProgress: (bytes) =>
      options.onProgress?.({ receivedBytes: distinct.bytes - wanted.bytes + bytes, totalBytes: distinct.bytes }),
  });
  return {
    manifestDigest: context.manifestDigest,
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    distinctFiles: distinct.files,
    fetchedFiles: wanted.files,
    fetchedBytes,
    copiedFiles: distinct.files - wanted.files,
    copiedBytes: distinct.bytes - fetchedBytes,
  };
}

/** Takes what an interrupted run had received, if it still has its digest. */
async function keepReceived(context: InstallContext, missing: MissingBlobs): Promise<void> {
  for (const [digest, size] of [...missing]) {
    const path = blobPath(contentFolder(context.places), digest);
    const there = standingAt(path);
    if (!there) continue;
    const isWhole = there.isFile() && Number(there.size) === size;
    if (isWhole && (await hashFile(path, { signal: context.signal })) === digest) missing.delete(digest);
    else removeTree(path);
  }
}

/** An empty file needs no source. */
async function makeEmptyBlob(context: InstallContext, missing: MissingBlobs): Promise<void> {
  const folder = contentFolder(context.places);
  for (const [digest, size] of [...missing]) {
    if (size > 0) continue;
    await using part = await openBlobPart(folder, { digest, size, signal: context.signal });
    // A manifest may say size 0 beside another digest; `fetchBlobs` then refuses it.
    if (await keepBlob(part, { folder, digest })) missing.delete(digest);
  }
}

function tally(blobs: MissingBlobs): { files: number; bytes: number } {
  return { files: blobs.size, bytes: [...blobs.values()].reduce((sum, size) => sum + size, 0) };
}
