/**
 * Puts missing blobs together from what comes from the source and what is copied from old files, and checks each piece
 * before it is written. Whatever the route, a blob gets its name only when its bytes have its digest (P1).
 */
import { availableParallelism } from 'node:os';
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { forEachInParallel } from '../../shared/store/in-parallel.ts';
import { Arrivals, type Progress } from './arrivals.ts';
import type { BlobSource } from './blob-source.ts';
import { type IncomingBlob, incomingBlob, wantsOf } from './incoming-blobs.ts';
import type { InstallContext } from './install-context.ts';
import type { MissingBlobs } from './missing-blobs.ts';
import type { OldCopies } from './old-copies.ts';

export interface FetchOptions {
  readonly missing: MissingBlobs;
  readonly source: BlobSource;
  /** Files that stand where missing ones will stand. */
  readonly oldCopies: OldCopies;
  /** Given the bytes that are there of all that was missing. */
  readonly onProgress: (bytes: number) => void;
}

/**
 * Empties `missing`; returns the bytes that the source sent. Errors: `RejectedError` with `blob-missing`, `blob-short`,
 * `blob-too-long`, `blob-differs`, `blob-unasked`, `blob-piece-out-of-order`, `blob-piece-empty` or
 * `blob-piece-too-large`, and then nothing is left of that blob; whatever the source throws, and then what has come of
 * a blob stays for the next call.
 */
export async function fetchBlobs(context: InstallContext, options: FetchOptions): Promise<number> {
  const { missing, onProgress } = options;
  const progress: Progress = { sentBytes: 0, hereBytes: 0, onProgress };
  let oldCopies = options.oldCopies;
  while (missing.size > 0) {
    const blobs = await incomingBlobs(context, { ...options, oldCopies });
    await fetchAll(context, { blobs, options, progress });
    // A blob that leaned on bytes of this host (the beginning that an interrupted run left, an old file) and then had the
    // wrong digest stays missing: the host's bytes may be what was wrong. So it is asked for once more, as a whole.
    oldCopies = new Map();
  }
  return progress.sentBytes;
}

async function incomingBlobs(context: InstallContext, options: FetchOptions): Promise<IncomingBlob[]> {
  const blobs = new Map<Sha256, IncomingBlob>();
  await forEachInParallel(options.missing, { width: availableParallelism(), signal: context.signal }, async (blob) => {
    blobs.set(blob[0], await incomingBlob(blob, { ...options, context }));
  });
  return [...options.missing.keys()].flatMap((digest) => blobs.get(digest) ?? []);
}

async function fetchAll(
  context: InstallContext,
  { blobs, options, progress }: { blobs: readonly IncomingBlob[]; options: FetchOptions; progress: Progress },
): Promise<void> {
  const arrivals = new Arrivals(context, { blobs, progress, missing: options.missing });
  try {
    await arrivals.begin();
    const wants = wantsOf(blobs);
    for (let first = 0; first < wants.length; first += LIMITS.blobsPerRequestCount) {
      const asked = wants.slice(first, first + LIMITS.blobsPerRequestCount);
      for await (const piece of options.source.fetch(asked, { signal: context.signal })) {
        context.signal.throwIfAborted();
        await arrivals.accept(piece);
      }
      context.signal.throwIfAborted();
    }
    arrivals.finish();
  } catch (error) {
    if (error instanceof RejectedError) await arrivals.discard();
    throw error;
  } finally {
    await arrivals.close();
  }
}
