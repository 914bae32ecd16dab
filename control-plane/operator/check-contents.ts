import { type Sha256, sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { manifestFiles, parseManifest } from '../../shared/release/manifest.ts';
import { type BlobReference, parseReleaseStatement } from '../../shared/release/release-statement.ts';
import { collectBounded } from '../../shared/trust/source.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import { findTarget } from '../store/targets.ts';
import type { OperatorContext } from './operator-context.ts';
import type { Publication } from './publication.ts';

/**
 * Checks that everything that the publication lists is here: targets submitted or stored, and the blobs of each
 * submitted release. Returns the targets of the top role by path. Errors: `target-missing`, `publication-incomplete`,
 * and those of the parsers.
 */
export async function checkContents(
  { store, blobs }: OperatorContext,
  { targetsRoles }: Publication,
  submitted: ReadonlyMap<string, Uint8Array>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const topLevel = new Map<string, Uint8Array>();
  for (const [role, bytes] of targetsRoles) {
    for (const [path, listed] of Object.entries(checkMetadata(role, bytes).signed.targets)) {
      const content = await contentOf(path, listed.hashes.sha256);
      if (role === 'targets') topLevel.set(path, content);
      else if (submitted.has(path)) await checkRelease(blobs, content);
    }
  }
  return topLevel;

  async function contentOf(path: string, digest: Sha256): Promise<Uint8Array> {
    const given = submitted.get(path);
    const content = given !== undefined && sha256(given) === digest ? given : await findTarget(store, path, digest);
    if (content === undefined)
      throw new RejectedError('target-missing', `failed to publish: target "${path}" is listed and not here`);
    return content;
  }
}

async function checkRelease(blobs: BlobStore, bytes: Uint8Array): Promise<void> {
  const { manifest, plan, buildRecord, provenance, archive } = parseReleaseStatement(bytes);
  await checkBlobs(blobs, [manifest, plan, buildRecord, provenance, archive]);
  const content = await collectBounded(blobs.read(manifest.sha256), {
    maxBytes: LIMITS.manifestBytes,
    what: 'manifest',
  });
  await checkBlobs(blobs, manifestFiles(parseManifest(content)));
}

async function checkBlobs(blobs: BlobStore, expected: readonly BlobReference[]): Promise<void> {
  const sizes = await blobs.sizesOf(expected.map(({ sha256: digest }) => digest));
  const other = expected.findIndex(({ size }, index) => sizes[index] !== size);
  const wanted = expected[other];
  if (wanted === undefined) return;
  const found = sizes[other];
  throw new RejectedError(
    'publication-incomplete',
    `failed to publish: blob "${wanted.sha256}" of ${wanted.size} bytes ${found === undefined ? 'is not here' : `has ${found} bytes here`}`,
    { hint: 'upload the missing blobs first' },
  );
}
