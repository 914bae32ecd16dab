import { RejectedError } from '../../shared/errors.ts';
import { checkPrivate, syncFolder } from '../../shared/store/private-folder.ts';
import { moveTree, standingAt } from '../../shared/store/tree-move.ts';
import type { RunPlaces } from '../checks/observe.ts';
import { deployedBy } from './deploy-manifest.ts';
import type { InstallContext } from './install-context.ts';
import { proveStaged, proveTree } from './prove-tree.ts';
import { checkInstallRoot, stagedTree } from './staging.ts';

/**
 * Gives the staged tree its place, by one rename that replaces nothing; the tree is hashed once more before, so that
 * nothing unproven is ever visible. Idempotent: a tree that this run has promoted is proven and left alone.
 * Errors: `RejectedError` with `target-present`, `target-changed`, `staged-tree-differs`, `installed-tree-differs`, or
 * of `checkInstallRoot` and `checkPrivate`; `TransientError` of the disk. A failed call has moved all or nothing.
 */
export async function promote(context: InstallContext): Promise<'promoted' | 'promoted-before'> {
  const { places } = context;
  checkInstallRoot(places);
  if (wasPromoted(context)) {
    await proveTree(places.installPath, { context, code: 'installed-tree-differs' });
    // The crash may have come between the rename and its sync.
    syncFolder(places.installRoot);
    return 'promoted-before';
  }
  if (standingAt(places.installPath)) throw targetPresent(places);
  checkPrivate(places.staging);
  await proveStaged(stagedTree(places), context);
  moveTree(stagedTree(places), places.installPath);
  context.testOnlyAfterEffect?.('tree-promoted');
  return 'promoted';
}

/** Whether what stands at the install path says that this run made it; its content is not looked at. */
export function wasPromoted({ places, run, release }: Pick<InstallContext, 'places' | 'run' | 'release'>): boolean {
  return isInstallationOf({ run, release }, places.installPath);
}

/** Whether the folder at `path` says that the run made it from this release. */
export function isInstallationOf({ run, release }: Pick<InstallContext, 'run' | 'release'>, path: string): boolean {
  if (!standingAt(path)?.isDirectory()) return false;
  const made = deployedBy(path);
  return made?.run === run && made.treeDigest === release.statement.treeDigest;
}

function targetPresent({ installPath }: RunPlaces): RejectedError {
  return new RejectedError('target-present', `failed to promote to "${installPath}": something stands there`, {
    hint: 'an installation replaces nothing: look at what stands there, and remove it by hand if it may go',
  });
}
