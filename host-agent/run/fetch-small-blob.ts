import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { segmentsBeside } from '../../shared/release/content/segments.ts';
import type { BlobReference } from '../../shared/release/release-statement.ts';
import type { BlobSource, BlobWant } from '../install/blob-source.ts';

export interface SmallBlobOptions {
  /** In bytes. */
  readonly limit: number;
  readonly source: BlobSource;
  readonly signal: AbortSignal;
  /** What this host has of the kind, from an earlier release: most of it will stand in the new one, too. */
  readonly older?: Buffer | undefined;
}

/**
 * Fetches one blob into memory. Its signed size is checked against `limit` before anything is asked for, and no byte
 * beyond that size is kept. Errors: `RejectedError` with `blob-too-large` or `blob-digest-differs`; those of the source.
 */
export async function fetchSmallBlob(reference: BlobReference, options: SmallBlobOptions): Promise<Buffer> {
  if (reference.size > options.limit) {
    throw new RejectedError(
      'blob-too-large',
      `failed to fetch blob ${reference.sha256}: ${reference.size} bytes, expected at most ${options.limit}`,
    );
  }
  const content = await fetched(reference, options);
  if (content.byteLength !== reference.size || sha256(content) !== reference.sha256) {
    throw new RejectedError(
      'blob-digest-differs',
      `failed to fetch blob ${reference.sha256}: got ${content.byteLength} of ${reference.size} bytes with digest ${sha256(content)}`,
    );
  }
  return content;
}

async function fetched(reference: BlobReference, { source, signal, older }: SmallBlobOptions): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let received = 0;
  for await (const piece of source.fetch(wantsOf(reference, older), { signal })) {
    received += piece.data.byteLength;
    if (piece.sha256 !== reference.sha256 || received > reference.size) break;
    pieces.push(piece.data);
  }
  return Buffer.concat(pieces);
}

function wantsOf(reference: BlobReference, older: Buffer | undefined): BlobWant[] {
  if (!older) return [{ ...reference, at: { offset: 0, length: reference.size } }];
  const digest = sha256(older);
  return segmentsBeside(reference.size, older.length).map(({ at, base }) => ({
    ...reference,
    at,
    base: base && {
      ...base,
      sha256: digest,
      read: async () => older.subarray(base.offset, base.offset + base.length),
    },
  }));
}
