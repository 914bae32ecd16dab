/** Uploads made by hand, as no careful client would make them. */
import { BlobIntake } from '../../control-plane/blobs/blob-intake.ts';
import type { BlobStore } from '../../control-plane/blobs/blob-store.ts';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import type { UploadParcel } from '../../shared/rpc/generated/messages.ts';

export interface TestPiece {
  readonly sha256: Sha256;
  readonly size: number;
  readonly offset: number;
  readonly data: Buffer;
}

/** One message with these pieces. */
export function parcelOf(...pieces: readonly TestPiece[]): UploadParcel {
  return {
    slices: pieces.map(({ sha256: digest, size, offset, data }) => ({
      sha256: digest,
      size,
      offset,
      length: data.length,
    })),
    data: Buffer.concat(pieces.map(({ data }) => data)),
  };
}

/** A message for each. */
export async function* parcelsOf(pieces: Iterable<TestPiece>): AsyncGenerator<UploadParcel> {
  for (const piece of pieces) yield parcelOf(piece);
}

/** A blob as one piece of itself. */
export function wholeBlob(data: Buffer): TestPiece {
  return { sha256: sha256(data), size: data.length, offset: 0, data };
}

/** Brings a blob, or the rest of one from `offset` on, in the given pieces; what came is kept when it is not whole. */
export async function receiveBlob(
  blobs: BlobStore,
  { sha256: digest, size, offset }: Omit<TestPiece, 'data'>,
  pieces: AsyncIterable<Buffer>,
): Promise<void> {
  await using intake = new BlobIntake(blobs);
  let at = offset;
  for await (const data of pieces) {
    await intake.take({ sha256: digest, size, offset: at, data });
    at += data.length;
  }
  await intake.finish();
}
