import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { BlobPiece, BlobWant } from '../../shared/rpc/generated/messages.ts';
import type { BlobStore } from './blob-store.ts';

/**
 * The wanted blobs, one after the other. Errors: `RejectedError` with `too-many-blobs`, `blob-not-found`,
 * `blob-size-mismatch` or `digest-malformed`, at the want that fails.
 */
export async function* serveBlobs(blobs: BlobStore, wants: readonly BlobWant[]): AsyncGenerator<BlobPiece> {
  if (wants.length > LIMITS.blobsPerRequestCount) {
    throw new RejectedError(
      'too-many-blobs',
      `failed to send blobs: ${wants.length} wanted, expected at most ${LIMITS.blobsPerRequestCount}`,
    );
  }
  for (const want of wants) yield* serveBlob(blobs, want);
}

async function* serveBlob(blobs: BlobStore, { sha256, size, offset }: BlobWant): AsyncGenerator<BlobPiece> {
  const actual = await blobs.sizeOf(sha256);
  if (actual === undefined)
    throw new RejectedError('blob-not-found', `failed to send blob "${sha256}": it is not here`);
  if (actual !== size || offset > size) {
    throw new RejectedError(
      'blob-size-mismatch',
      `failed to send blob "${sha256}" from ${offset}: wanted with ${size} bytes, it has ${actual}`,
    );
  }
  if (offset === size) yield { sha256, offset, data: Buffer.alloc(0) };
  let position = offset;
  for await (const data of blobs.read(sha256, offset)) {
    yield { sha256, offset: position, data };
    position += data.length;
  }
}
