/**
 * Brings the blobs of a bundle to the control plane: those that it lacks, from the byte on that it lacks, in one stream.
 *
 * Two people may push releases that share files: of a large blob that somebody else is bringing the control plane takes
 * no second copy. So what is missing is asked for again until nothing is; a connection that broke is resumed the same way.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { type BlobPiece, readBlobPieces } from '../../shared/release/ktr/blob-pieces.ts';
import type { Ktr } from '../../shared/release/ktr.ts';
import type { MissingBlob, UploadParcel } from '../../shared/rpc/generated/messages.ts';
import type { OperatorClient } from './client.ts';
import type { TransferProgress } from './transfer.ts';

export interface UploadReceipt {
  /** Brought by this call. */
  readonly blobs: number;
  /** Sent by this call. */
  readonly bytes: number;
}

export interface Upload {
  readonly client: Pick<OperatorClient, 'missingBlobs' | 'uploadBlobs'>;
  readonly ktr: Ktr;
  readonly onProgress: (progress: TransferProgress) => void;
}

/** Rounds in a row in which nothing more has arrived; with growing pauses between them: seven seconds in all. */
const IDLE_ROUNDS = 8;
const PAUSE_MS = 250;

/** Errors: `blob-unasked`, those of the calls; `TransientError` when blobs are still missing after the last round. */
export async function uploadBlobs(digests: readonly Sha256[], upload: Upload): Promise<UploadReceipt> {
  const rounds = new UploadRounds(digests, upload);
  for (let idle = 1; ; idle += 1) {
    const failure = await rounds.next();
    if (failure === undefined) return rounds.receipt;
    if (rounds.hasProgressed) idle = 1;
    if (idle === IDLE_ROUNDS) throw failure;
    await pause(PAUSE_MS * idle);
  }
}

class UploadRounds {
  readonly #digests: readonly Sha256[];
  readonly #upload: Upload;
  #totalBytes: number | undefined;
  #missingBytes = Number.POSITIVE_INFINITY;
  #doneBytes = 0;
  readonly #brought = new Set<Sha256>();
  #bytes = 0;
  /** Whether less was missing in the last round than ever before, whoever brought it. */
  hasProgressed = false;

  constructor(digests: readonly Sha256[], upload: Upload) {
    this.#digests = digests;
    this.#upload = upload;
  }

  get receipt(): UploadReceipt {
    return { blobs: this.#brought.size, bytes: this.#bytes };
  }

  /** Brings what is missing; gives why not all of it could be brought now. */
  async next(): Promise<Error | undefined> {
    try {
      const missing = await missingBlobs(this.#upload.client, this.#digests);
      this.#look(missing);
      const [arriving] = missing.filter(({ isArriving }) => isArriving);
      await this.#bring(missing.filter(({ isArriving }) => !isArriving));
      return arriving && broughtByAnother(arriving);
    } catch (error) {
      if (!isWorthAnotherRound(error)) throw error;
      return error;
    }
  }

  #look(missing: readonly MissingBlob[]): void {
    const bytes = missing.reduce((sum, blob) => sum + this.#sizeOf(blob.sha256) - blob.receivedBytes, 0);
    this.hasProgressed = bytes < this.#missingBytes;
    this.#missingBytes = Math.min(bytes, this.#missingBytes);
    this.#totalBytes ??= bytes;
    this.#doneBytes = this.#totalBytes - bytes;
    for (const { sha256 } of missing) this.#brought.delete(sha256);
    if (missing.length > 0) this.#report();
  }

  async #bring(missing: readonly MissingBlob[]): Promise<void> {
    if (missing.length === 0) return;
    const from = new Map(missing.map(({ sha256, receivedBytes }) => [sha256, receivedBytes]));
    await this.#upload.client.uploadBlobs(this.#counted(parcelsOf(readBlobPieces(this.#upload.ktr, from))));
  }

  async *#counted(parcels: AsyncIterable<UploadParcel>): AsyncGenerator<UploadParcel> {
    for await (const parcel of parcels) {
      yield parcel;
      for (const { sha256, size, offset, length } of parcel.slices) {
        if (offset + length === size) this.#brought.add(sha256);
      }
      this.#bytes += parcel.data.length;
      this.#doneBytes += parcel.data.length;
      this.#report();
    }
  }

  #report(): void {
    this.#upload.onProgress({ doneBytes: this.#doneBytes, totalBytes: this.#totalBytes ?? 0 });
  }

  #sizeOf(sha256: Sha256): number {
    const blob = this.#upload.ktr.blobs.get(sha256);
    if (blob) return blob.size;
    throw new RejectedError(
      'blob-unasked',
      `failed to push "${this.#upload.ktr.path}": the control plane asks for blob ${sha256}, which is not in the bundle`,
    );
  }
}

/** Somebody else's upload has moved on, or has come to its end, since we asked. */
const OVERTAKEN: readonly string[] = ['upload-offset-mismatch', 'blob-present'];

function isWorthAnotherRound(error: unknown): error is Error {
  if (error instanceof TransientError) return true;
  return error instanceof RejectedError && OVERTAKEN.includes(error.code);
}

function broughtByAnother({ sha256 }: MissingBlob): TransientError {
  return new TransientError(`failed to upload blob ${sha256}: somebody else is uploading it, and does not get on`, {
    hint: 'push again in a few minutes: an upload that has gone quiet is ended by then',
  });
}

async function missingBlobs(client: Upload['client'], digests: readonly Sha256[]): Promise<MissingBlob[]> {
  const missing: MissingBlob[] = [];
  for (let at = 0; at < digests.length; at += LIMITS.blobsPerRequestCount) {
    const answer = await client.missingBlobs({ sha256: digests.slice(at, at + LIMITS.blobsPerRequestCount) });
    missing.push(...answer.missing);
  }
  return missing;
}

/** What a slice takes in a message beside its bytes: a digest and three numbers. */
const SLICE_BYTES = 96;

/** Packs pieces that are small together, up to `LIMITS.blobChunkBytes`. */
async function* parcelsOf(pieces: AsyncIterable<BlobPiece>): AsyncGenerator<UploadParcel> {
  let packed: BlobPiece[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    const pieceBytes = SLICE_BYTES + piece.data.length;
    if (packed.length > 0 && bytes + pieceBytes > LIMITS.blobChunkBytes) {
      yield parcelOf(packed);
      packed = [];
      bytes = 0;
    }
    packed.push(piece);
    bytes += pieceBytes;
  }
  if (packed.length > 0) yield parcelOf(packed);
}

function parcelOf(pieces: readonly BlobPiece[]): UploadParcel {
  return {
    slices: pieces.map(({ sha256, size, offset, data }) => ({ sha256, size, offset, length: data.length })),
    data: Buffer.concat(pieces.map(({ data }) => data)),
  };
}
