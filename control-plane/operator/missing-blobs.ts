import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { MissingBlob, MissingBlobsRequest, MissingBlobsResponse } from '../../shared/rpc/generated/messages.ts';
import type { OperatorContext } from './operator-context.ts';

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
  const missing: MissingBlob[] = [];
  for (const digest of new Set(sha256)) {
    if ((await blobs.sizeOf(digest)) !== undefined) continue;
    missing.push({ sha256: digest, receivedBytes: await blobs.receivedBytes(digest) });
  }
  return { missing };
}
