import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from '../../shared/service/failure.ts';

/**
 * Checks, before anything is done for it, that a file can come to stand at `path`; `what` says in errors what it is.
 * Errors: `UsageError` when its folder is not there, or a folder has its name.
 */
export function assertOutputFile(path: string, what: string): void {
  if (isFolder(path)) throw new UsageError(`${what} "${path}": expected the name of a file, got a folder`);
  const folder = dirname(path);
  if (!isFolder(folder))
    throw new UsageError(
      `${what} "${path}": there is no folder "${folder}"`,
      'make it, or name another file with --out',
    );
}

/**
 * The same, and that nothing stands there yet; `option` is the one that names another. Errors: `UsageError`.
 */
export function assertNewFile(path: string, what: string, option = '--out'): void {
  assertOutputFile(path, what);
  if (existsSync(path))
    throw new UsageError(`${what} "${path}": there is one already`, `remove it, or name another file with ${option}`);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false; // a file where a folder should be, or one that nobody may look into: either way no place to write
  }
}
