import { join } from 'node:path';
import { RejectedError } from '../../shared/errors.ts';
import { manifestTreeDigest } from '../../shared/release/manifest.ts';
import { DEPLOY_MANIFEST_NAME } from '../../shared/release/path-rules.ts';
import { writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { blobPath } from '../../shared/store/blob-file.ts';
import { checkPrivate } from '../../shared/store/private-folder.ts';
import type { TreeReading } from '../../shared/store/tree-reader.ts';
import { writeTree } from '../../shared/store/tree-writer.ts';
import { deployManifestText } from './deploy-manifest.ts';
import type { InstallContext } from './install-context.ts';
import { wasPromoted } from './promote.ts';
import { proveStaged, proveTree } from './prove-tree.ts';
import { contentFolder, openStaging, stagedTree } from './staging.ts';
import { takeBackContent } from './take-back.ts';

/**
 * Builds the release's tree in staging out of received content, with `DEPLOY-MANIFEST.txt`, synced, and hashes what then
 * stands on disk. The content is moved, not copied: what an interrupted call left in the tree is taken back first. Where
 * this run has promoted already, nothing is done.
 * Errors: `RejectedError` with `manifest-differs-from-release`, `staged-tree-differs`, or of `writeTree`;
 * `TransientError`: the disk refuses, or content is missing (call `receive` again).
 */
export async function stage(context: InstallContext): Promise<TreeReading> {
  if (wasPromoted(context)) return proveTree(context.places.installPath, { context, code: 'installed-tree-differs' });
  checkManifestIsSigned(context);
  openStaging(context.places);
  const tree = stagedTree(context.places);
  takeBackContent(context);
  checkPrivate(contentFolder(context.places));
  await writeTree(tree, context.manifest, {
    contentOf: (file) => blobPath(contentFolder(context.places), file.sha256),
    mayTakeContent: true,
    signal: context.signal,
  });
  context.testOnlyAfterEffect?.('tree-written');
  writeFileAtomic(join(tree, DEPLOY_MANIFEST_NAME), deployManifestText(context), { mode: 0o644 });
  context.testOnlyAfterEffect?.('deploy-manifest-written');
  return proveStaged(tree, context);
}

function checkManifestIsSigned({ manifest, manifestDigest, release: { statement } }: InstallContext): void {
  const digest = manifestTreeDigest(manifest);
  if (digest === statement.treeDigest && manifestDigest === statement.manifest.sha256) return;
  throw new RejectedError(
    'manifest-differs-from-release',
    `failed to stage ${statement.app} ${statement.version}: expected manifest ${statement.manifest.sha256} of tree ${statement.treeDigest}, got ${manifestDigest} of ${digest}`,
  );
}
