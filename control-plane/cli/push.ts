/** `keyturn release push`: uploads the blobs that the control plane lacks, then signs and publishes the statement. */

import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { blobsOfRelease, type Ktr, type ReadableBlob, readKtrRelease } from '../../shared/release/ktr.ts';
import { releaseTargetPath } from '../../shared/release/release-statement.ts';
import type { UploadPiece } from '../../shared/rpc/generated/messages.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import { fileNameOf, releaseRoleOf } from '../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import { addRelease, createSnapshot } from '../../shared/trust/tuf-repository.ts';
import { validUntil } from './ceremony.ts';
import { type Change, type Publisher, publishChange, trustedRole } from './publication.ts';

export interface PushKeys {
  /** Keys of the application's release role. */
  readonly release: readonly SigningKey[];
  readonly snapshot: readonly SigningKey[];
}

export interface PushProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface PushReceipt {
  readonly app: string;
  readonly version: string;
  readonly statementDigest: Sha256;
  readonly uploadedBlobs: number;
  readonly uploadedBytes: number;
  readonly presentBlobs: number;
}

/** Digests asked for at once. */
const ASK_COUNT = 5_000;

export async function pushRelease(
  ktr: Ktr,
  {
    publisher,
    keys,
    onProgress,
  }: { publisher: Publisher; keys: PushKeys; onProgress: (progress: PushProgress) => void },
): Promise<PushReceipt> {
  const release = await readKtrRelease(ktr);
  const blobs = blobsOfRelease(release);
  const missing = await missingBlobs(publisher, [...blobs.keys()]);
  const uploadedBytes = await upload(missing, { ktr, publisher, onProgress });
  const { app, version } = release.statement;
  const path = releaseTargetPath(app, version);
  const target = { path, length: release.statementBytes.length, sha256: ktr.statementDigest };
  const statement = new Map([[path, release.statementBytes]]);
  await publishChange(publisher, (trusted) => signRelease(trusted, { app, target, keys, statement }), [path]);
  return {
    app,
    version,
    statementDigest: ktr.statementDigest,
    uploadedBlobs: missing.size,
    uploadedBytes,
    presentBlobs: blobs.size - missing.size,
  };
}

interface ReleaseToSign {
  readonly app: string;
  readonly target: { readonly path: string; readonly length: number; readonly sha256: Sha256 };
  readonly keys: PushKeys;
  readonly statement: ReadonlyMap<string, Uint8Array>;
}

function signRelease(trusted: TrustedMetadata, { app, target, keys, statement }: ReleaseToSign): Change {
  const now = new Date();
  const role = releaseRoleOf(app);
  const releases = addRelease(trusted.get(fileNameOf(role)), target, {
    expiresAt: validUntil(now, 'release'),
    signers: keys.release,
  });
  const snapshot = createSnapshot(trustedRole(trusted, 'snapshot'), new Map([[role, releases]]), {
    expiresAt: validUntil(now, 'snapshot'),
    signers: keys.snapshot,
  });
  return {
    metadata: new Map([
      [role, releases],
      ['snapshot', snapshot],
    ]),
    targets: statement,
  };
}

/** Blobs to upload, with how many bytes of each are there already. */
async function missingBlobs({ client }: Publisher, digests: readonly Sha256[]): Promise<Map<Sha256, number>> {
  const missing = new Map<Sha256, number>();
  for (let at = 0; at < digests.length; at += ASK_COUNT) {
    const answer = await client.missingBlobs({ sha256: digests.slice(at, at + ASK_COUNT) });
    for (const blob of answer.missing) missing.set(blob.sha256, blob.receivedBytes);
  }
  return missing;
}

async function upload(
  missing: ReadonlyMap<Sha256, number>,
  { ktr, publisher, onProgress }: { ktr: Ktr; publisher: Publisher; onProgress: (progress: PushProgress) => void },
): Promise<number> {
  const wanted = [...missing].map(([sha256, received]) => ({ sha256, received, blob: blobOf(ktr, sha256) }));
  const totalBytes = wanted.reduce((sum, { blob, received }) => sum + blob.size - received, 0);
  let doneBytes = 0;
  for (const { sha256, received, blob } of wanted) {
    const pieces = uploadPieces(blob, {
      sha256,
      from: received,
      onBytes: (count) => {
        doneBytes += count;
        onProgress({ doneBytes, totalBytes });
      },
    });
    await publisher.client.uploadBlob(pieces);
  }
  return doneBytes;
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

function blobOf(ktr: Ktr, sha256: Sha256): ReadableBlob {
  const blob = ktr.blobs.get(sha256);
  if (blob) return blob;
  throw new RejectedError(
    'blob-unasked',
    `failed to push "${ktr.path}": the control plane asks for blob ${sha256}, which is not in the bundle`,
  );
}
