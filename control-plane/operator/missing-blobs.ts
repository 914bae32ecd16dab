import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { MissingBlobsRequest, MissingBlobsResponse } from '../../shared/rpc/generated/messages.ts';
import type { OperatorContext } from './operator-context.ts';

/** Errors: `too-many-blobs`, those of `BlobStore.missing`. */
export async function missingBlobs(
  { blobs }: OperatorContext,
  { sha256 }: MissingBlobsRequest,
): Promise<MissingBlobsResponse> {
  if (sha256.length > LIMITS.blobsPerRequestCount) {
    throw new RejectedError(
      'too-many-blobs',
      `failed to look for ${sha256.length} blobs, expected at most ${LIMITS.blobsPerRequestCount}`,
    );
  }
  return { missing: await blobs.missing(sha256) };
}
