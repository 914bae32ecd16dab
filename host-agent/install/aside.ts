/**
 * Moving the installation away and back. It stands at the install path, or aside, and nowhere else: a crash leaves one
 * of the two, and either can be told from the disk alone (P8).
 */
import { RejectedError } from '../../shared/errors.ts';
import { moveTree, standingAt } from '../../shared/store/tree-move.ts';
import type { InstallContext } from './install-context.ts';
import { isInstallationOf } from './promote.ts';
import { hasOwnFolder, openAside } from './staging.ts';

export type Installation = Pick<InstallContext, 'run' | 'release' | 'places' | 'testOnlyAfterEffect'>;

export function isAside({ places }: Pick<Installation, 'places'>): boolean {
  return hasOwnFolder(places) && standingAt(places.aside) !== undefined;
}

/**
 * Moves this run's installation away, if it stands; idempotent. Errors: `RejectedError('not-our-installation')` when
 * what stands there was not made by this run, and then it stays; `RejectedError('installation-twice')`; `moveTree`'s.
 */
export function moveAside(installation: Installation): 'moved' | 'nothing-there' {
  const { places, run } = installation;
  if (!standingAt(places.installPath)) return 'nothing-there';
  if (!isInstallationOf(installation, places.installPath)) {
    throw new RejectedError(
      'not-our-installation',
      `failed to move "${places.installPath}" away: run "${run}" did not make it`,
      {
        hint: 'look at what stands there, and remove it by hand if it may go',
      },
    );
  }
  openAside(places);
  if (isAside(installation)) {
    throw new RejectedError(
      'installation-twice',
      `failed to move "${places.installPath}" away: "${places.aside}" stands as well`,
    );
  }
  moveTree(places.installPath, places.aside);
  installation.testOnlyAfterEffect?.('moved-aside');
  return 'moved';
}

/** Moves the installation back, if it stands aside; idempotent. Errors: `moveTree`'s; then it stays aside. */
export function moveBack(installation: Installation): void {
  const { places } = installation;
  if (!isAside(installation)) return;
  moveTree(places.aside, places.installPath);
  installation.testOnlyAfterEffect?.('moved-back');
}
