import { dirname, join } from 'node:path';
import { TransientError } from '../../shared/errors.ts';
import { removeTree } from '../../shared/store/atomic-file.ts';
import { removeFolderIfEmpty } from '../../shared/store/private-folder.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import { isAside, moveBack } from './aside.ts';
import type { InstallContext } from './install-context.ts';
import { KEYTURN_FOLDER } from './places.ts';
import { wasPromoted } from './promote.ts';
import { hasOwnFolder } from './staging.ts';

/**
 * Removes what this run needed below the install root, and `.keyturn` with its last run: of an installation one new path
 * is left, of a failed one none (P5). What stands in its way is a `TransientError`: a run must be able to end.
 *
 * An installation that still stands aside is not garbage, it is the only one: it is moved back first. Idempotent.
 */
export async function tidy(context: InstallContext): Promise<void> {
  const { places } = context;
  const keyturn = join(places.installRoot, KEYTURN_FOLDER);
  // Whatever else has that name is somebody else's, and nothing of ours stands below it.
  if (!hasOwnFolder(places)) return;
  if (isAside(context)) settleAside(context);
  if (standingAt(places.staging)) removeTree(places.staging);
  context.testOnlyAfterEffect?.('staging-deleted');
  for (const folder of [dirname(places.staging), dirname(places.aside), keyturn]) removeFolderIfEmpty(folder);
  context.testOnlyAfterEffect?.('folders-deleted');
}

function settleAside(context: InstallContext): void {
  const { places } = context;
  if (!standingAt(places.installPath)) moveBack(context);
  else if (wasPromoted(context)) removeTree(places.aside);
  else {
    throw new TransientError(`failed to tidy run "${context.run}": its installation stands in "${places.aside}"`, {
      hint: `something else stands at "${places.installPath}": move it away, and the installation is put back`,
    });
  }
}
