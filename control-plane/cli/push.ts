/** `keyturn release push`: uploads the blobs that the control plane lacks, then signs and publishes the statement. */

import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { blobsOfRelease, type Ktr, readKtrRelease } from '../../shared/release/ktr.ts';
import { releaseTargetPath } from '../../shared/release/release-statement.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import { fileNameOf, releaseRoleOf } from '../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import { addRelease, createSnapshot, releasersOf } from '../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import { validUntil } from './ceremony.ts';
import { type Change, type Publisher, publishChange, trustedRole } from './publication.ts';
import type { TransferProgress } from './transfer.ts';
import { uploadBlobs } from './upload-blobs.ts';

export interface PushKeys {
  /** Keys of the application's release role. */
  readonly release: readonly SigningKey[];
  readonly snapshot: readonly SigningKey[];
}

export interface PushReceipt {
  readonly app: string;
  readonly version: string;
  readonly statementDigest: Sha256;
  readonly uploadedBlobs: number;
  readonly uploadedBytes: number;
  readonly presentBlobs: number;
  /** How many release keys signed it: those on this machine that count. */
  readonly releaseKeys: number;
}

/** Errors: those of `uploadBlobs` and `publishChange`; `RejectedError('release-keys-missing')`. */

export async function pushRelease(
  ktr: Ktr,
  {
    publisher,
    keys,
    onProgress,
  }: { publisher: Publisher; keys: PushKeys; onProgress: (progress: TransferProgress) => void },
): Promise<PushReceipt> {
  const release = await readKtrRelease(ktr);
  const blobs = blobsOfRelease(release);
  const uploaded = await uploadBlobs([...blobs.keys()], { ktr, client: publisher.client, onProgress });
  const { app, version } = release.statement;
  const path = releaseTargetPath(app, version);
  const target = { path, length: release.statementBytes.length, sha256: ktr.statementDigest };
  const statement = new Map([[path, release.statementBytes]]);
  let releaseKeys = 0;
  const sign = (trusted: TrustedMetadata): Change => {
    const release = countingKeys(trusted, { app, held: keys.release });
    releaseKeys = release.length;
    return signRelease(trusted, { app, target, keys: { ...keys, release }, statement });
  };
  await publishChange(publisher, sign, { targets: [path], renewing: 'release' });
  return {
    app,
    version,
    statementDigest: ktr.statementDigest,
    uploadedBlobs: uploaded.blobs,
    uploadedBytes: uploaded.bytes,
    presentBlobs: blobs.size - uploaded.blobs,
    releaseKeys,
  };
}

/** Keys of the release role on this machine: one that was dismissed, or never admitted, adds nothing by signing. */
function countingKeys(
  trusted: TrustedMetadata,
  { app, held }: { app: string; held: readonly SigningKey[] },
): SigningKey[] {
  const { signed } = checkMetadata('targets', trustedRole(trusted, 'targets'));
  const releaser = releasersOf(signed).find((candidate) => candidate.app === app);
  const counting = held.filter((key) => releaser?.keys.some(({ keyId }) => keyId === key.keyId));
  if (releaser && counting.length >= releaser.threshold) return counting;
  throw new RejectedError(
    'release-keys-missing',
    `failed to sign the release of "${app}": expected ${releaser?.threshold ?? 1} of its keys on this machine, got ${counting.length}`,
    { hint: 'see who may sign what with `keyturn trust show`' },
  );
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
