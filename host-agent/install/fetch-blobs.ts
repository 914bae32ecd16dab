/** Fetches blobs from the source, and checks each piece before it is written. */
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, type RejectionCode } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { bytesOfPart, PartFile } from '../../shared/store/blob-file.ts';
import type { BlobPiece, BlobSource, BlobWant } from './blob-source.ts';
import type { InstallContext } from './install-context.ts';
import type { MissingBlobs } from './receive.ts';
import { contentFolder } from './staging.ts';

export interface FetchOptions {
  readonly missing: MissingBlobs;
  readonly source: BlobSource;
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
  const progress = { sentBytes: 0, hereBytes: 0, onProgress };
  while (missing.size > 0) {
    // A blob whose beginning came from an interrupted run and then had the wrong digest stays missing, without its
    // part: the beginning may have been lost to a power cut, so it is asked for once more, as a whole.
    const batch = [...missing].slice(0, LIMITS.blobWantsCount);
    await fetchBatch(context, { batch, options, progress });
  }
  return progress.sentBytes;
}

interface Progress {
  sentBytes: number;
  hereBytes: number;
  readonly onProgress: (bytes: number) => void;
}

interface Batch {
  readonly batch: readonly [Sha256, number][];
  readonly options: FetchOptions;
  readonly progress: Progress;
}

async function fetchBatch(context: InstallContext, { batch, options, progress }: Batch): Promise<void> {
  const arrivals = new Arrivals(context, { batch, progress, missing: options.missing });
  try {
    for await (const piece of options.source.fetch(arrivals.wants, { signal: context.signal })) {
      context.signal.throwIfAborted();
      arrivals.accept(piece);
    }
    context.signal.throwIfAborted();
    arrivals.finish();
  } catch (error) {
    if (error instanceof RejectedError) arrivals.discard();
    throw error;
  } finally {
    arrivals.close();
  }
}

/** What of a batch has arrived: whole blobs up to `#at`, and part of that one. */
class Arrivals {
  readonly wants: readonly BlobWant[];
  readonly #context: InstallContext;
  readonly #missing: MissingBlobs;
  readonly #progress: Progress;
  #at = 0;
  #part: PartFile | undefined;

  constructor(
    context: InstallContext,
    { batch, progress, missing }: Omit<Batch, 'options'> & { missing: MissingBlobs },
  ) {
    this.#context = context;
    this.#missing = missing;
    this.#progress = progress;
    const folder = contentFolder(context.places);
    this.wants = batch.map(([sha256, size]) => ({ sha256, size, offset: bytesOfPart(folder, sha256, size) }));
    progress.hereBytes += this.wants.reduce((sum, { offset }) => sum + (offset ?? 0), 0);
  }

  accept(piece: BlobPiece): void {
    const want = this.#checkAsked(piece);
    this.#part ??= new PartFile(contentFolder(this.#context.places), want.sha256, want.size);
    const part = this.#part;
    checkFits(piece, { want, expectedOffset: part.bytes });
    part.append(piece.data);
    this.#progress.sentBytes += piece.data.byteLength;
    this.#progress.hereBytes += piece.data.byteLength;
    this.#context.testOnlyAfterEffect?.('piece-written');
    if (part.bytes === want.size) this.#complete(part, want);
    this.#progress.onProgress(this.#progress.hereBytes);
  }

  /** The source has ended. */
  finish(): void {
    const want = this.wants[this.#at];
    if (want) throw this.#incomplete(want);
  }

  discard(): void {
    this.#part?.discard();
  }

  close(): void {
    this.#part?.close();
    this.#part = undefined;
  }

  #checkAsked(piece: BlobPiece): BlobWant {
    const want = this.wants[this.#at];
    if (want?.sha256 === piece.sha256) return want;
    if (this.wants[this.#at - 1]?.sha256 === piece.sha256) {
      throw refused('blob-too-long', piece.sha256, 'more came than its signed size');
    }
    if (want && this.wants.some(({ sha256 }) => sha256 === piece.sha256)) throw this.#incomplete(want);
    throw refused('blob-unasked', piece.sha256, 'nobody asked for it');
  }

  #incomplete(want: BlobWant): RejectedError {
    const bytes = this.#part?.bytes ?? 0;
    const code = bytes > (want.offset ?? 0) ? 'blob-short' : 'blob-missing';
    return refused(code, want.sha256, `${bytes} of ${want.size} bytes came`);
  }

  #complete(part: PartFile, want: BlobWant): void {
    const isEqual = part.finish();
    this.close();
    this.#at += 1;
    if (isEqual) {
      this.#missing.delete(want.sha256);
      this.#context.testOnlyAfterEffect?.('blob-received');
      return;
    }
    if (!want.offset) throw refused('blob-differs', want.sha256, 'its content has another digest');
    this.#progress.hereBytes -= want.size;
  }
}

function checkFits(piece: BlobPiece, { want, expectedOffset }: { want: BlobWant; expectedOffset: number }): void {
  const { offset, data, sha256 } = piece;
  if (data.byteLength === 0) throw refused('blob-piece-empty', sha256, `an empty piece came at ${offset}`);
  if (data.byteLength > LIMITS.rpcMessageBytes) {
    throw refused('blob-piece-too-large', sha256, `a piece of ${data.byteLength} bytes came`);
  }
  if (offset !== expectedOffset) {
    throw refused('blob-piece-out-of-order', sha256, `a piece at ${offset} came, expected ${expectedOffset}`);
  }
  if (expectedOffset + data.byteLength > want.size) {
    throw refused('blob-too-long', sha256, `${expectedOffset + data.byteLength} bytes came, expected ${want.size}`);
  }
}

function refused(code: RejectionCode, sha256: string, fact: string): RejectedError {
  return new RejectedError(code, `failed to receive blob ${JSON.stringify(sha256.slice(0, 64))}: ${fact}`);
}
