/** The private folders of a run below the install root, and the rules that the root itself must keep. */
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { isPrivateFolder, openPrivateFolder } from '../../shared/store/private-folder.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import type { RunPlaces } from '../checks/observe.ts';
import { KEYTURN_FOLDER } from './places.ts';

/** Received blobs of the run, each named by its digest. */
export function contentFolder({ staging }: RunPlaces): string {
  return join(staging, 'content');
}

/** The release's tree before it is promoted. */
export function stagedTree({ staging }: RunPlaces): string {
  return join(staging, 'tree');
}

/** Whether `.keyturn` stands and is the agent's own; what stands below any other one is not looked at, nor removed. */
export function hasOwnFolder({ installRoot }: RunPlaces): boolean {
  return isPrivateFolder(join(installRoot, KEYTURN_FOLDER));
}

/**
 * Makes the run's staging folders. Errors: `RejectedError` as `checkInstallRoot`, or `folder-not-private` when somebody
 * else's folder or link is in their place; `TransientError` when the disk refuses or staging is another file system.
 */
export function openStaging(places: RunPlaces): void {
  checkInstallRoot(places);
  openPrivateFolders(places, places.staging);
  openPrivateFolder(contentFolder(places));
}

/** Makes the folder that a tree set aside is moved into. Errors as `openStaging`. */
export function openAside(places: RunPlaces): void {
  checkInstallRoot(places);
  openPrivateFolders(places, dirname(places.aside));
}

/**
 * Errors: `RejectedError` with `install-root-missing` (an installation adds one path, so it makes no root),
 * `install-root-not-a-folder` (also for a symbolic link: the plan's path would not be the path that is written) or
 * `install-root-open-to-all` (anybody could swap what stands in it).
 */
export function checkInstallRoot({ installRoot }: RunPlaces): void {
  const stat = standingAt(installRoot);
  if (!stat) {
    throw new RejectedError(
      'install-root-missing',
      `failed to use install root "${installRoot}": nothing stands there`,
      {
        hint: 'make the folder first: an installation adds exactly one path, below it',
      },
    );
  }
  if (!stat.isDirectory()) {
    const kind = stat.isSymbolicLink() ? 'a symbolic link' : 'no folder';
    throw new RejectedError('install-root-not-a-folder', `failed to use install root "${installRoot}": it is ${kind}`);
  }
  const mode = Number(stat.mode & 0o7777n);
  if ((mode & 0o002) !== 0) {
    throw new RejectedError(
      'install-root-open-to-all',
      `failed to use install root "${installRoot}": its mode is ${mode.toString(8)}, expected that others cannot write`,
    );
  }
}

/** Each folder from `.keyturn` down to `folder`. */
function openPrivateFolders(places: RunPlaces, folder: string): void {
  if (dirname(folder) !== places.installRoot) openPrivateFolders(places, dirname(folder));
  openPrivateFolder(folder);
  if (lstatSync(folder).dev !== lstatSync(places.installRoot).dev) {
    throw new TransientError(
      `failed to stage in "${folder}": it is on another file system than "${places.installRoot}"`,
      {
        hint: `a rename must reach the install root: unmount what is mounted on "${KEYTURN_FOLDER}" or below it`,
      },
    );
  }
}
