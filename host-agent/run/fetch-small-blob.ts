import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { BlobReference } from '../../shared/release/release-statement.ts';
import type { BlobSource } from '../install/blob-source.ts';

/**
 * Fetches one blob into memory. Its signed size is checked against `limit` (bytes) before anything is asked for, and
 * no byte beyond that size is kept. Errors: `RejectedError` with `blob-too-large` or `blob-digest-differs`;
 * `TransientError` of the source.
 */
export async function fetchSmallBlob(
  reference: BlobReference,
  { limit, source, signal }: { limit: number; source: BlobSource; signal: AbortSignal },
): Promise<Buffer> {
  if (reference.size > limit) {
    throw new RejectedError(
      'blob-too-large',
      `failed to fetch blob ${reference.sha256}: ${reference.size} bytes, expected at most ${limit}`,
    );
  }
  const pieces: Uint8Array[] = [];
  let received = 0;
  const want = { ...reference, at: { offset: 0, length: reference.size } };
  for await (const piece of source.fetch([want], { signal })) {
    received += piece.data.byteLength;
    if (piece.sha256 !== reference.sha256 || received > reference.size) break;
    pieces.push(piece.data);
  }
  const content = Buffer.concat(pieces);
  if (content.byteLength !== reference.size || sha256(content) !== reference.sha256) {
    throw new RejectedError(
      'blob-digest-differs',
      `failed to fetch blob ${reference.sha256}: got ${content.byteLength} of ${reference.size} bytes with digest ${sha256(content)}`,
    );
  }
  return content;
}
