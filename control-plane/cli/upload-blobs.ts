/**
 * Brings the blobs of a bundle to the control plane: those that it lacks, from the byte on that it lacks.
 *
 * Two people may push releases that share files: of a blob that somebody else is bringing the control plane takes no
 * second copy. So what is missing is asked for again until nothing is; a connection that broke is resumed the same way.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Ktr, ReadableBlob } from '../../shared/release/ktr.ts';
import type { UploadPiece } from '../../shared/rpc/generated/messages.ts';
import type { OperatorClient } from './client.ts';

export interface UploadProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface UploadReceipt {
  /** Brought by this call. */
  readonly blobs: number;
  readonly bytes: number;
}

export interface Upload {
  readonly client: Pick<OperatorClient, 'missingBlobs' | 'uploadBlob'>;
  readonly ktr: Ktr;
  readonly onProgress: (progress: UploadProgress) => void;
}

/** Digests asked for at once. */
const ASK_COUNT = 5_000;
/** With growing pauses between them: seven seconds in all. */
const ROUNDS = 8;
const PAUSE_MS = 250;

/** Errors: `blob-unasked`, those of the calls; `TransientError` when blobs are still missing after the last round. */
export async function uploadBlobs(digests: readonly Sha256[], upload: Upload): Promise<UploadReceipt> {
  const round = new UploadRounds(upload);
  for (let count = 1; ; count += 1) {
    const failure = await round.run(await missingBlobs(upload.client, digests));
    if (failure === undefined) return round.receipt;
    if (count === ROUNDS) throw failure;
    await pause(PAUSE_MS * count);
  }
}

class UploadRounds {
  readonly #upload: Upload;
  #totalBytes: number | undefined;
  #doneBytes = 0;
  #blobs = 0;
  #bytes = 0;

  constructor(upload: Upload) {
    this.#upload = upload;
  }

  get receipt(): UploadReceipt {
    return { blobs: this.#blobs, bytes: this.#bytes };
  }

  /** Brings each of them; gives why one could not be brought now. */
  async run(missing: ReadonlyMap<Sha256, number>): Promise<Error | undefined> {
    const wanted = [...missing].map(([sha256, received]) => ({ sha256, received, blob: this.#blobOf(sha256) }));
    const missingBytes = wanted.reduce((sum, { blob, received }) => sum + blob.size - received, 0);
    this.#totalBytes ??= missingBytes;
    this.#doneBytes = this.#totalBytes - missingBytes;
    let failure: Error | undefined;
    for (const { sha256, received, blob } of wanted) {
      const pieces = uploadPieces(blob, { sha256, from: received, onBytes: (count) => this.#sent(count) });
      try {
        await this.#upload.client.uploadBlob(pieces);
        this.#blobs += 1;
        this.#bytes += blob.size - received;
      } catch (error) {
        if (!isWorthAnotherRound(error)) throw error;
        failure = error;
      }
    }
    return failure;
  }

  #sent(count: number): void {
    this.#doneBytes += count;
    this.#upload.onProgress({ doneBytes: this.#doneBytes, totalBytes: this.#totalBytes ?? 0 });
  }

  #blobOf(sha256: Sha256): ReadableBlob {
    const blob = this.#upload.ktr.blobs.get(sha256);
    if (blob) return blob;
    throw new RejectedError(
      'blob-unasked',
      `failed to push "${this.#upload.ktr.path}": the control plane asks for blob ${sha256}, which is not in the bundle`,
    );
  }
}

/** The offset differs when somebody else's upload has moved on since we asked. */
function isWorthAnotherRound(error: unknown): error is Error {
  if (error instanceof TransientError) return true;
  return error instanceof RejectedError && error.code === 'upload-offset-mismatch';
}

/** Blobs to upload, with how many bytes of each are there already. */
async function missingBlobs(client: Upload['client'], digests: readonly Sha256[]): Promise<Map<Sha256, number>> {
  const missing = new Map<Sha256, number>();
  for (let at = 0; at < digests.length; at += ASK_COUNT) {
    const answer = await client.missingBlobs({ sha256: digests.slice(at, at + ASK_COUNT) });
    for (const blob of answer.missing) missing.set(blob.sha256, blob.receivedBytes);
  }
  return missing;
}

/** The rest of a blob from `from` on; what the control plane has already is read again, but not sent. */
async function* uploadPieces(
  blob: ReadableBlob,
  { sha256, from, onBytes }: { sha256: Sha256; from: number; onBytes: (count: number) => void },
): AsyncIterable<UploadPiece> {
  let offset = 0;
  let sent = 0;
  for await (const chunk of blob.open()) {
    const skipped = Math.min(chunk.length, Math.max(0, from - offset));
    for (let at = skipped; at < chunk.length; at += LIMITS.blobChunkBytes) {
      const data = Buffer.from(chunk.subarray(at, at + LIMITS.blobChunkBytes));
      yield { sha256, size: blob.size, offset: offset + at, data };
      sent += 1;
      onBytes(data.length);
    }
    offset += chunk.length;
  }
  if (sent === 0) yield { sha256, size: blob.size, offset: blob.size, data: Buffer.alloc(0) };
}
