/**
 * The `.ktr` bundle: one file with a whole release, to be pushed, mailed, or carried to a host without a network. It
 * needs no archive parser (see ktr/index-format.ts), and it proves nothing by itself: who signed the statement is
 * settled where the release is admitted.
 *
 * 1. Bounds are checked before memory is taken, and the file's size against the index before a blob is read.
 * 2. A blob's bytes are hashed while they are read; a reader that got to the end got the right ones.
 * 3. A whole bundle holds exactly what its statement and manifest name, each once (`checkKtrIsWhole`).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Sha256 } from '../digest.ts';
import { RejectedError, type RejectionCode, TransientError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type BuildRecord, parseBuildRecord } from './build-record.ts';
import {
  encodeKtrHead,
  KTR_HEAD_BYTES,
  type KtrIndex,
  type PlacedBlob,
  parseKtrIndex,
  placeBlobs,
  readIndexLength,
} from './ktr/index-format.ts';
import { type Manifest, manifestFiles, parseManifest } from './manifest.ts';
import { type Plan, parsePlan } from './plan.ts';
import { type BlobReference, parseReleaseStatement, type ReleaseStatement } from './release-statement.ts';

/** A blob that can be read again and again. */
export interface ReadableBlob {
  readonly size: number;
  /** Throws `RejectedError('blob-digest-differs')` at the end of bytes that are not the digest's. */
  open(): AsyncIterable<Uint8Array>;
}

/** The bytes of a bundle with these blobs. Throws when a blob has another size than it says. */
export async function* encodeKtr(
  statement: Sha256,
  blobs: ReadonlyMap<Sha256, ReadableBlob>,
): AsyncIterable<Uint8Array> {
  const sizes = [...blobs].map(([sha256, { size }]) => ({ sha256, size }));
  yield encodeKtrHead({ schema: 'keyturn.ktr-index/v1', statement, blobs: sizes });
  for (const sha256 of [...blobs.keys()].sort()) {
    const blob = blobs.get(sha256);
    if (blob) yield* checked({ sha256, size: blob.size }, blob.open());
  }
}

export interface KtrBlob extends ReadableBlob {
  /** Of its first byte in the bundle. */
  readonly offset: number;
}

export interface Ktr {
  readonly path: string;
  readonly bytes: number;
  readonly statementDigest: Sha256;
  /** In the order in which they stand in the bundle. */
  readonly blobs: ReadonlyMap<Sha256, KtrBlob>;
}

/**
 * Opens a bundle: reads its head and checks its size; no blob is read. Holds no file open.
 *
 * Errors: `RejectedError` with `ktr-magic-unknown`, `ktr-index-too-large`, `ktr-index-malformed`, `ktr-index-unsorted`,
 * `ktr-too-large`, `not-canonical-json`, `ktr-truncated` or `ktr-has-trailing-bytes`; `TransientError` when the file
 * cannot be read.
 */
export async function openKtr(path: string): Promise<Ktr> {
  const { index, indexBytes, bytes } = await readHead(path);
  const placed = placeBlobs(index, indexBytes);
  const last = placed.at(-1);
  checkSize(bytes, last ? last.offset + last.size : 0);
  return {
    path,
    bytes,
    statementDigest: index.statement,
    blobs: new Map(placed.map((blob) => [blob.sha256, readable(path, blob)])),
  };
}

/** Reads every blob once. Errors: `RejectedError('blob-digest-differs')`. */
export async function verifyKtr(ktr: Ktr): Promise<void> {
  for (const blob of ktr.blobs.values()) {
    for await (const _chunk of blob.open());
  }
}

/** The small parts of a release, each checked against its digest, parsed by its own rules. */
export interface KtrRelease {
  readonly statement: ReleaseStatement;
  readonly statementBytes: Buffer;
  readonly manifest: Manifest;
  readonly plan: Plan;
  readonly buildRecord: BuildRecord;
}

/**
 * Reads statement, manifest, plan and build record, and checks that the bundle holds what they name and nothing else.
 * Errors: those of their parsers, `RejectedError` with `blob-missing`, `blob-too-large`, `blob-size-differs`,
 * `blob-digest-differs`, `release-parts-disagree` or `ktr-has-extra-blobs`.
 */
export async function readKtrRelease(ktr: Ktr): Promise<KtrRelease> {
  const statementBytes = await readBlob(ktr, { sha256: ktr.statementDigest, limit: LIMITS.envelopeBytes });
  const statement = parseReleaseStatement(statementBytes);
  const manifest = parseManifest(await readPart(ktr, statement.manifest, LIMITS.manifestBytes));
  const plan = parsePlan(await readPart(ktr, statement.plan, LIMITS.planBytes));
  const buildRecord = parseBuildRecord(await readPart(ktr, statement.buildRecord, LIMITS.buildRecordBytes));
  if (plan.app !== statement.app || plan.version !== statement.version) {
    throw refused(
      'release-parts-disagree',
      `its plan is of "${plan.app} ${plan.version}", its statement of "${statement.app} ${statement.version}"`,
    );
  }
  checkKtrIsWhole(ktr, { statement, manifest });
  return { statement, statementBytes, manifest, plan, buildRecord };
}

/** Every blob that a release consists of, with its size, the statement left out. */
export function blobsOfRelease({
  statement,
  manifest,
}: Pick<KtrRelease, 'statement' | 'manifest'>): Map<Sha256, number> {
  const { manifest: list, plan, buildRecord, provenance, archive } = statement;
  const parts = [list, plan, buildRecord, provenance, archive, ...manifestFiles(manifest)];
  return new Map(parts.map(({ sha256, size }) => [sha256, size]));
}

function checkKtrIsWhole(ktr: Ktr, release: Pick<KtrRelease, 'statement' | 'manifest'>): void {
  const needed = blobsOfRelease(release);
  for (const [sha256, size] of needed) blobOf(ktr, { sha256, size });
  const extra = [...ktr.blobs.keys()].filter((sha256) => sha256 !== ktr.statementDigest && !needed.has(sha256));
  if (extra.length > 0)
    throw refused('ktr-has-extra-blobs', `${extra.length} blobs belong to no part of the release, first ${extra[0]}`);
}

async function readPart(ktr: Ktr, { sha256, size }: BlobReference, limit: number): Promise<Buffer> {
  blobOf(ktr, { sha256, size });
  return readBlob(ktr, { sha256, limit });
}

async function readBlob(ktr: Ktr, { sha256, limit }: { sha256: Sha256; limit: number }): Promise<Buffer> {
  const blob = blobOf(ktr, { sha256 });
  if (blob.size > limit)
    throw refused('blob-too-large', `blob ${sha256} has ${blob.size} bytes, expected at most ${limit}`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of blob.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function blobOf(ktr: Ktr, { sha256, size }: { sha256: Sha256; size?: number }): ReadableBlob {
  const blob = ktr.blobs.get(sha256);
  if (!blob) throw refused('blob-missing', `blob ${sha256} is not in it`);
  if (size !== undefined && blob.size !== size) {
    throw refused('blob-size-differs', `blob ${sha256} has ${blob.size} bytes, expected ${size}`);
  }
  return blob;
}

interface KtrHead {
  readonly index: KtrIndex;
  readonly indexBytes: number;
  readonly bytes: number;
}

async function readHead(path: string): Promise<KtrHead> {
  const file = await openFile(path);
  try {
    const { size: bytes } = await file.stat();
    const indexBytes = readIndexLength(await readAt(file, { offset: 0, length: KTR_HEAD_BYTES, path }));
    if (KTR_HEAD_BYTES + indexBytes > bytes)
      throw refused('ktr-truncated', `it ends inside its index, at byte ${bytes}`);
    const index = parseKtrIndex(await readAt(file, { offset: KTR_HEAD_BYTES, length: indexBytes, path }));
    return { index, indexBytes, bytes };
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new TransientError(`failed to open bundle "${path}"`, { cause });
  }
}

async function readAt(
  file: FileHandle,
  { offset, length, path }: { offset: number; length: number; path: string },
): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) throw refused('ktr-truncated', `"${path}" ends at byte ${offset + filled}`);
    filled += bytesRead;
  }
  return buffer;
}

function checkSize(bytes: number, expected: number): void {
  if (bytes < expected) throw refused('ktr-truncated', `it has ${bytes} bytes, its index says ${expected}`);
  if (bytes > expected) throw refused('ktr-has-trailing-bytes', `it has ${bytes} bytes, its index says ${expected}`);
}

function readable(path: string, { sha256, size, offset }: PlacedBlob): KtrBlob {
  return {
    size,
    offset,
    open: () =>
      checked({ sha256, size }, size === 0 ? [] : createReadStream(path, { start: offset, end: offset + size - 1 })),
  };
}

/** Passes the bytes on; throws at their end if they were others. */
async function* checked(
  { sha256, size }: { sha256: Sha256; size: number },
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const digest = createHash('sha256');
  let seen = 0;
  for await (const chunk of chunks) {
    seen += chunk.length;
    if (seen > size) break;
    digest.update(chunk);
    yield chunk;
  }
  if (seen !== size || digest.digest('hex') !== sha256) {
    throw refused('blob-digest-differs', `the bytes of blob ${sha256} are others`);
  }
}

function refused(code: RejectionCode, fact: string): RejectedError {
  return new RejectedError(code, `failed to read bundle: ${fact}`);
}
