import type { InstalledTreeObservation } from '../../../shared/ledger/kinds/installed-tree.ts';
import { hashTreeAside } from '../../../shared/store/disk-threads/hash-tree-aside.ts';
import { standingAt } from '../../../shared/store/tree-move.ts';
import { deployedBy, LEFT_OUT } from '../../install/deploy-manifest.ts';
import { type CheckContext, type Observe, observed } from '../observe.ts';

export const observeInstalledTree: Observe = async (context) => {
  const path = context.places.installPath;
  const { digest, fileCount, bytes } = await hashTreeAside(path, { leaveOut: LEFT_OUT, signal: context.signal });
  const mode = Number((standingAt(path)?.mode ?? 0n) & 0o7777n).toString(8);
  return observed({
    path,
    treeDigest: digest,
    files: fileCount,
    bytes,
    mode,
    deployManifest: deployManifest(context),
  } satisfies InstalledTreeObservation);
};

function deployManifest({ places, run, release }: CheckContext): InstalledTreeObservation['deployManifest'] {
  const made = deployedBy(places.installPath);
  if (!made) return 'missing';
  const isOurs = made.run === run && made.treeDigest === release.statement.treeDigest;
  return isOurs ? 'names-this-run' : 'names-another-run';
}
