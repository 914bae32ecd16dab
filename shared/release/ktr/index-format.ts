/**
 * The head of a `.ktr` bundle, and where each blob stands behind it. Pure.
 *
 *     keyturn.ktr/v1\n   length of the index (8 bytes, big endian)   index (canonical JSON)   blobs, in index order
 *
 * 1. The index is canonical JSON and sorted by digest, so one set of blobs has one spelling.
 * 2. The statement is one of the blobs.
 * 3. The bundle ends with its last blob's last byte.
 */
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '../../canonical-json.ts';
import type { Sha256 } from '../../digest.ts';
import { RejectedError, type RejectionCode } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';

export const KTR_MAGIC = Buffer.from('keyturn.ktr/v1\n');
/** The magic line and the length of the index. */
export const KTR_HEAD_BYTES = KTR_MAGIC.length + 8;

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const indexSchema = z.strictObject({
  schema: z.literal('keyturn.ktr-index/v1'),
  /** SHA-256 of the release statement. */
  statement: digest,
  blobs: z
    .array(z.strictObject({ sha256: digest, size: z.int().min(0).max(LIMITS.releaseBytes) }))
    .min(1)
    // The files of a manifest, and the statement, manifest, plan, build record, provenance and archive.
    .max(LIMITS.manifestFileCount + 6),
});
export type KtrIndex = z.infer<typeof indexSchema>;

export interface PlacedBlob {
  readonly sha256: Sha256;
  readonly size: number;
  /** Of its first byte in the bundle. */
  readonly offset: number;
}

/** The bytes in front of the first blob. `index` is sorted here. */
export function encodeKtrHead(index: KtrIndex): Buffer {
  const sorted = { ...index, blobs: index.blobs.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1)) };
  const encoded = encodeCanonical(indexSchema.parse(sorted));
  checkIndex(sorted);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(encoded.length));
  return Buffer.concat([KTR_MAGIC, length, encoded]);
}

/** How many bytes the index has. Errors: `RejectedError` with `ktr-magic-unknown` or `ktr-index-too-large`. */
export function readIndexLength(head: Uint8Array): number {
  const bytes = Buffer.from(head);
  if (bytes.length < KTR_HEAD_BYTES || !bytes.subarray(0, KTR_MAGIC.length).equals(KTR_MAGIC)) {
    throw refused('ktr-magic-unknown', 'it does not begin as a keyturn.ktr/v1 bundle');
  }
  const length = bytes.readBigUInt64BE(KTR_MAGIC.length);
  if (length > BigInt(LIMITS.ktrIndexBytes)) {
    throw refused('ktr-index-too-large', `its index has ${length} bytes, expected at most ${LIMITS.ktrIndexBytes}`);
  }
  return Number(length);
}

/** Errors: `RejectedError` with `not-canonical-json`, `ktr-index-malformed` or `ktr-index-unsorted`. */
export function parseKtrIndex(bytes: Uint8Array): KtrIndex {
  const parsed = indexSchema.safeParse(decodeCanonical(bytes, 'index of the bundle'));
  if (!parsed.success) throw refused('ktr-index-malformed', z.prettifyError(parsed.error));
  checkIndex(parsed.data);
  return parsed.data;
}

export function placeBlobs(index: KtrIndex, indexBytes: number): PlacedBlob[] {
  let offset = KTR_HEAD_BYTES + indexBytes;
  return index.blobs.map((blob) => {
    const placed = { ...blob, offset };
    offset += blob.size;
    return placed;
  });
}

function checkIndex({ blobs, statement }: KtrIndex): void {
  for (const [position, blob] of blobs.entries()) {
    const previous = blobs[position - 1];
    if (previous && previous.sha256 >= blob.sha256) {
      throw refused('ktr-index-unsorted', `blob ${blob.sha256} stands behind ${previous.sha256}`);
    }
  }
  if (!blobs.some(({ sha256 }) => sha256 === statement)) {
    throw refused('ktr-index-malformed', `its statement ${statement} is none of its blobs`);
  }
  // The archive and the files it packs: a release may stand in a bundle twice.
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  if (total > 2 * LIMITS.releaseBytes)
    throw refused('ktr-too-large', `${total} bytes of blobs, expected at most ${2 * LIMITS.releaseBytes}`);
}

function refused(code: RejectionCode, fact: string): RejectedError {
  return new RejectedError(code, `failed to read bundle: ${fact}`);
}
