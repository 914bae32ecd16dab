/**
 * Moves a folder to a path where nothing stands, by one rename(2): whoever looks sees it here or there, whole.
 *
 * rename(2) itself refuses to replace a file, a symbolic link or a folder with something in it. It would replace an
 * empty folder, and Node cannot ask for RENAME_NOREPLACE. So the target is looked at first. What remains: somebody who
 * makes an empty folder at the target between that look and the rename (microseconds) finds his folder replaced by the
 * tree. Nothing that held a byte can be lost, and what he then writes there is seen when the tree is hashed again.
 */
import { type BigIntStats, lstatSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { RejectedError, systemCodeOf, TransientError } from '../errors.ts';
import { diskHint } from './disk-hints.ts';
import { syncFolder } from './private-folder.ts';

const OCCUPIED = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR']);

/** What stands at `path` itself, links not followed; undefined: nothing. Errors: `TransientError`. */
export function standingAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (cause) {
    throw new TransientError(`failed to look at "${path}"`, { cause });
  }
}

/**
 * Moves the folder `from` to `to` and syncs both parents. A failed call has moved all or nothing.
 * Errors: `RejectedError('target-present')` when anything stands at `to`, `RejectedError('target-changed')` when
 * something else stands there afterwards, `TransientError`.
 */
export function moveTree(from: string, to: string): void {
  const moved = standingAt(from);
  if (!moved?.isDirectory()) throw new TransientError(`failed to move "${from}": no folder stands there`);
  if (standingAt(to)) throw targetPresent(to);
  try {
    renameSync(from, to);
    syncFolder(dirname(to));
    syncFolder(dirname(from));
  } catch (cause) {
    if (OCCUPIED.has(systemCodeOf(cause) ?? '')) throw targetPresent(to, cause);
    throw new TransientError(`failed to move "${from}" to "${to}"`, { cause, hint: diskHint(cause) });
  }
  const arrived = standingAt(to);
  if (arrived?.ino !== moved.ino || arrived.dev !== moved.dev) {
    throw new RejectedError('target-changed', `failed to move "${from}": something else stands at "${to}" now`);
  }
}

function targetPresent(to: string, cause?: unknown): RejectedError {
  return new RejectedError('target-present', `failed to move a tree to "${to}": something stands there`, {
    cause,
    hint: 'an installation replaces nothing: look at what stands there, and remove it by hand if it may go',
  });
}
