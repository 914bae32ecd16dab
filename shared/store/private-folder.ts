/** Folders that only this user can look into or write to: what is made below them, nobody else can swap. */
import { chmodSync, closeSync, fsyncSync, lstatSync, mkdirSync, openSync, rmdirSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { RejectedError, systemCodeOf, TransientError } from '../errors.ts';
import { diskHint } from './disk-hints.ts';

/**
 * Makes the folder, durably, or accepts the one that stands there if it is private. Its parent must exist.
 * Errors: `RejectedError('folder-not-private')`, `TransientError`.
 */
export function openPrivateFolder(path: string): void {
  try {
    mkdirSync(path, 0o700);
    chmodSync(path, 0o700);
    syncFolder(dirname(path));
  } catch (cause) {
    if (systemCodeOf(cause) !== 'EEXIST') {
      throw new TransientError(`failed to make the folder "${path}"`, { cause, hint: diskHint(cause) });
    }
  }
  checkPrivate(path);
}

/** Whether a folder of this user's own, closed to all others, stands at `path`. Errors: `TransientError`. */
export function isPrivateFolder(path: string): boolean {
  const stat = lstatOf(path);
  return stat !== undefined && isPrivate(stat);
}

/** Errors: `RejectedError('folder-not-private')` when others could write to `path` or it is a link, `TransientError`. */
export function checkPrivate(path: string): void {
  const stat = lstatOf(path);
  if (stat && isPrivate(stat)) return;
  const actual = stat
    ? `${stat.isDirectory() ? 'a folder' : 'no folder'} of user ${stat.uid} with mode ${modeOf(stat).toString(8)}`
    : 'nothing';
  throw new RejectedError(
    'folder-not-private',
    `failed to trust "${path}": expected a folder of user ${process.geteuid?.()} with mode 700, got ${actual}`,
    { hint: 'somebody else put it there: look at it, then remove it' },
  );
}

/** Removes the folder if it is empty; one that is in use or not there stays as it is. */
export function removeFolderIfEmpty(path: string): void {
  try {
    rmdirSync(path);
    syncFolder(dirname(path));
  } catch (cause) {
    const code = systemCodeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTEMPTY' || code === 'EEXIST') return;
    throw new TransientError(`failed to remove the folder "${path}"`, { cause, hint: diskHint(cause) });
  }
}

/** Makes what was created, renamed or removed in the folder survive a power cut. Errors: the system's. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function isPrivate(stat: Stats): boolean {
  return stat.isDirectory() && stat.uid === process.geteuid?.() && modeOf(stat) === 0o700;
}

function modeOf(stat: Stats): number {
  return stat.mode & 0o7777;
}

function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new TransientError(`failed to look at the folder "${path}"`, { cause });
  }
}
