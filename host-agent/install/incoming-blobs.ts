/** How each missing blob is to be put together: what of it is here, what is copied, what has to come. */
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { type Segment, segmentsBeside, segmentsBetween, segmentsFrom } from '../../shared/release/content/segments.ts';
import { bytesOfPart } from '../../shared/store/blob-file.ts';
import { inDiskThread } from '../../shared/store/disk-threads/disk-threads.ts';
import { hashFile } from '../../shared/store/tree-reader.ts';
import type { BlobSource, BlobWant, OfferedBase } from './blob-source.ts';
import type { InstallContext } from './install-context.ts';
import { readRange } from './old-bytes.ts';
import type { OldCopies, OldCopy } from './old-copies.ts';
import { contentFolder } from './staging.ts';

export interface IncomingBlob {
  readonly sha256: Sha256;
  readonly size: number;
  /** What an interrupted run has left of it. */
  readonly hereBytes: number;
  /** From there to the end. */
  readonly segments: readonly Segment[];
  readonly old: OldCopy | undefined;
}

export interface IncomingOptions {
  readonly source: BlobSource;
  readonly oldCopies: OldCopies;
}

/** Errors: the signal's reason. Without a chunk list, or an old copy that can be read, the whole blob is asked for. */
export async function incomingBlob(
  [sha256, size]: readonly [Sha256, number],
  { context, source, oldCopies }: IncomingOptions & { context: InstallContext },
): Promise<IncomingBlob> {
  const hereBytes = bytesOfPart(contentFolder(context.places), sha256, size);
  const old = oldCopies.get(sha256);
  const segments = old && (await segmentsWith(old, { blob: { sha256, size }, context, source }));
  const whole: Segment = { kind: 'fetch', at: { offset: 0, length: size }, base: undefined };
  return { sha256, size, hereBytes, segments: segmentsFrom(segments ?? [whole], hereBytes), old: segments && old };
}

/** What is asked for, in the order of the blobs. */
export function wantsOf(blobs: readonly IncomingBlob[]): BlobWant[] {
  return blobs.flatMap(({ sha256, size, segments, old }) =>
    segments.flatMap((segment): BlobWant[] => {
      if (segment.kind === 'copy') return [];
      return [{ sha256, size, at: segment.at, base: old && offeredBase(old, segment) }];
    }),
  );
}

function offeredBase({ path, installed }: OldCopy, segment: Segment): OfferedBase | undefined {
  if (segment.kind === 'copy' || !segment.base) return undefined;
  const range = segment.base;
  return { ...range, sha256: installed, read: () => readRange(path, range) };
}

interface Blob {
  readonly sha256: Sha256;
  readonly size: number;
}

async function segmentsWith(
  old: OldCopy,
  { blob, context, source }: { blob: Blob; context: InstallContext; source: BlobSource },
): Promise<Segment[] | undefined> {
  try {
    const { signal } = context;
    if (blob.size < LIMITS.chunkedFileBytes) {
      const isAsInstalled = (await hashFile(old.path, { signal })) === old.installed;
      return isAsInstalled ? segmentsBeside(blob.size, old.size) : undefined;
    }
    const { chunks, sha256 } = await inDiskThread('cut-file', { path: old.path }, { signal });
    if (sha256 !== old.installed) return undefined;
    return segmentsBetween(await source.chunksOf(blob, { signal }), chunks);
  } catch (error) {
    context.signal.throwIfAborted();
    // It would have saved traffic. Whoever withholds a list, or has changed the old file, only makes this host fetch more.
    if (error instanceof RejectedError || error instanceof TransientError) return undefined;
    throw error;
  }
}
