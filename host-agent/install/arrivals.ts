/** What of a batch of blobs has arrived: whole blobs, and part of the one that is due. */
import { sha256 as digestOf } from '../../shared/digest.ts';
import { RejectedError, type RejectionCode } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Segment } from '../../shared/release/content/segments.ts';
import { blobPath, isReadFromDisk, keepBlob, keepBlobContent, openBlobPart } from '../../shared/store/blob-file.ts';
import type { PartFile } from '../../shared/store/part-file.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import { identityOf } from '../../shared/store/tree-reader.ts';
import type { BlobPiece } from './blob-source.ts';
import type { IncomingBlob } from './incoming-blobs.ts';
import type { InstallContext } from './install-context.ts';
import type { MissingBlobs } from './missing-blobs.ts';
import { readRange } from './old-bytes.ts';
import { contentFolder } from './staging.ts';

export interface Progress {
  /** Bytes that the source has sent. */
  sentBytes: number;
  /** Bytes that are there of all that was missing. */
  hereBytes: number;
  readonly onProgress: (bytes: number) => void;
}

/** Bytes copied from an old file at once. */
const COPIED_AT_ONCE = 4 * 1024 * 1024;

export class Arrivals {
  readonly #context: InstallContext;
  readonly #folder: string;
  readonly #missing: MissingBlobs;
  readonly #progress: Progress;
  readonly #blobs: readonly IncomingBlob[];
  #at = 0;
  #segmentAt = 0;
  #part: PartFile | undefined;

  constructor(
    context: InstallContext,
    { blobs, progress, missing }: { blobs: readonly IncomingBlob[]; progress: Progress; missing: MissingBlobs },
  ) {
    this.#context = context;
    this.#missing = missing;
    this.#progress = progress;
    this.#blobs = blobs;
    this.#folder = contentFolder(context.places);
    progress.hereBytes += blobs.reduce((sum, { hereBytes }) => sum + hereBytes, 0);
  }

  /** Does what needs no source. To be called once, before anything is accepted. */
  async begin(): Promise<void> {
    await this.#goOn();
  }

  async accept(piece: BlobPiece): Promise<void> {
    const { blob, segment } = this.#checkAsked(piece);
    if (this.#part === undefined && segment.at.length === blob.size && piece.data.length === blob.size) {
      checkFits(piece, { segment, expectedOffset: 0 });
      this.#acceptWhole(piece, blob);
      return this.#next();
    }
    const part = await this.#openPart(blob);
    checkFits(piece, { segment, expectedOffset: part.bytes });
    await part.append(piece.data);
    this.#progress.sentBytes += piece.data.length;
    this.#progress.hereBytes += piece.data.length;
    this.#context.testOnlyAfterEffect?.('piece-written');
    if (part.bytes === segment.at.offset + segment.at.length) {
      this.#segmentAt += 1;
      await this.#goOn();
    }
    this.#progress.onProgress(this.#progress.hereBytes);
  }

  /** The source has ended. */
  finish(): void {
    const blob = this.#blobs[this.#at];
    if (blob) throw this.#incomplete(blob);
  }

  async discard(): Promise<void> {
    await this.#part?.discard();
  }

  async close(): Promise<void> {
    await this.#part?.close();
    this.#part = undefined;
  }

  /** A small file comes in one piece: nothing has to be opened twice. */
  #acceptWhole({ data, sha256 }: BlobPiece, blob: IncomingBlob): void {
    if (digestOf(data) === sha256) {
      keepBlobContent(data, { folder: this.#folder, digest: sha256 });
      this.#missing.delete(sha256);
    } else if (!leansOnHost(blob)) throw differs(sha256);
    this.#progress.sentBytes += data.length;
    if (!this.#missing.has(sha256)) this.#progress.hereBytes += data.length;
    this.#context.testOnlyAfterEffect?.('blob-received');
    this.#progress.onProgress(this.#progress.hereBytes);
  }

  async #next(): Promise<void> {
    this.#at += 1;
    this.#segmentAt = 0;
    await this.#goOn();
  }

  /** Copies what stands in old files until something has to come, and keeps each blob that is whole. */
  async #goOn(): Promise<void> {
    for (let blob = this.#blobs[this.#at]; blob; blob = this.#blobs[this.#at]) {
      const segment = blob.segments[this.#segmentAt];
      if (segment?.kind === 'fetch') return;
      const part = await this.#openPart(blob);
      if (segment) {
        await this.#copy(segment, { part, blob });
        this.#segmentAt += 1;
      } else {
        await this.#keep(part, blob);
        this.#at += 1;
        this.#segmentAt = 0;
      }
    }
  }

  async #openPart(blob: IncomingBlob): Promise<PartFile> {
    this.#part ??= await openBlobPart(this.#folder, {
      digest: blob.sha256,
      size: blob.size,
      signal: this.#context.signal,
    });
    return this.#part;
  }

  async #copy(
    { from, at }: Extract<Segment, { kind: 'copy' }>,
    { part, blob }: { part: PartFile; blob: IncomingBlob },
  ): Promise<void> {
    if (!blob.old) throw new Error(`blob ${blob.sha256} is to be copied from nowhere`);
    for (let done = 0; done < at.length; done += COPIED_AT_ONCE) {
      this.#context.signal.throwIfAborted();
      const length = Math.min(COPIED_AT_ONCE, at.length - done);
      await part.append(await readRange(blob.old.path, { offset: from + done, length }));
      this.#progress.hereBytes += length;
    }
    this.#context.testOnlyAfterEffect?.('piece-written');
  }

  async #keep(part: PartFile, blob: IncomingBlob): Promise<void> {
    const isEqual = await keepBlob(part, { folder: this.#folder, digest: blob.sha256 });
    await this.close();
    if (isEqual) {
      this.#missing.delete(blob.sha256);
      this.#rememberReading(blob);
      this.#context.testOnlyAfterEffect?.('blob-received');
      return;
    }
    if (!leansOnHost(blob)) throw differs(blob.sha256);
    this.#progress.hereBytes -= blob.size;
  }

  #rememberReading({ sha256, size }: IncomingBlob): void {
    const kept = isReadFromDisk(size) ? standingAt(blobPath(this.#folder, sha256)) : undefined;
    if (kept) this.#context.readBefore.set(identityOf(kept), sha256);
  }

  #checkAsked(piece: BlobPiece): { blob: IncomingBlob; segment: Segment } {
    const blob = this.#blobs[this.#at];
    const segment = blob?.segments[this.#segmentAt];
    if (piece.data.length === 0) {
      throw refused('blob-piece-empty', piece.sha256, `an empty piece came at ${piece.offset}`);
    }
    if (piece.data.length > LIMITS.rpcMessageBytes) {
      throw refused('blob-piece-too-large', piece.sha256, `a piece of ${piece.data.length} bytes came`);
    }
    if (segment && blob?.sha256 === piece.sha256) return { blob, segment };
    if (this.#blobs[this.#at - 1]?.sha256 === piece.sha256) {
      throw refused('blob-too-long', piece.sha256, 'more came than its signed size');
    }
    if (blob && this.#blobs.some(({ sha256 }) => sha256 === piece.sha256)) throw this.#incomplete(blob);
    throw refused('blob-unasked', piece.sha256, 'nobody asked for it');
  }

  #incomplete(blob: IncomingBlob): RejectedError {
    const bytes = this.#part?.bytes ?? blob.hereBytes;
    const code = this.#part && bytes > blob.hereBytes ? 'blob-short' : 'blob-missing';
    return refused(code, blob.sha256, `${bytes} of ${blob.size} bytes came`);
  }
}

/** Whether bytes of this host went into it: then they may be what was wrong. */
function leansOnHost({ hereBytes, old }: IncomingBlob): boolean {
  return hereBytes > 0 || old !== undefined;
}

function checkFits(
  { offset, data, sha256 }: BlobPiece,
  { segment, expectedOffset }: { segment: Segment; expectedOffset: number },
): void {
  if (offset !== expectedOffset) {
    throw refused('blob-piece-out-of-order', sha256, `a piece at ${offset} came, expected ${expectedOffset}`);
  }
  const end = segment.at.offset + segment.at.length;
  if (expectedOffset + data.length > end) {
    throw refused('blob-too-long', sha256, `${expectedOffset + data.length} bytes came, expected ${end}`);
  }
}

function differs(sha256: string): RejectedError {
  return refused('blob-differs', sha256, 'its content has another digest');
}

function refused(code: RejectionCode, sha256: string, fact: string): RejectedError {
  return new RejectedError(code, `failed to receive blob ${JSON.stringify(sha256.slice(0, 64))}: ${fact}`);
}
