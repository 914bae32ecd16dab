/**
 * Looks at one path inside a tree without following a symbolic link anywhere on the way.
 *
 * Each folder is opened below the one before, by `/proc/self/fd`, so what is looked at is what was opened, whatever
 * is renamed meanwhile.
 */
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { RejectedError, systemCodeOf, TransientError } from '../../shared/errors.ts';
import type { PathOccupant } from '../../shared/ledger/kinds/tree-path.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

export interface TreeEntry {
  readonly is: PathOccupant;
  /** Open for reading, for a regular file only; closed when `look` is over. */
  readonly file: FileHandle | undefined;
}

/**
 * Calls `look` with what stands at `path` (relative, normalised) below `tree`. Errors: `TransientError` when the tree
 * itself is not there or something cannot be read.
 */
export async function lookIntoTree<T>(tree: string, path: string, look: (entry: TreeEntry) => Promise<T>): Promise<T> {
  const opened: FileHandle[] = [];
  try {
    opened.push(await open(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return await look(await descend(path.split('/'), opened));
  } catch (cause) {
    if (cause instanceof RejectedError || systemCodeOf(cause) === undefined) throw cause;
    throw new TransientError(`cannot look at "${path}" in "${tree}"`, { cause });
  } finally {
    for (const handle of opened.toReversed()) await handle.close();
  }
}

async function descend(segments: readonly string[], opened: FileHandle[]): Promise<TreeEntry> {
  for (const [index, segment] of segments.entries()) {
    const at = `/proc/self/fd/${opened.at(-1)?.fd}/${segment}`;
    const isLast = index === segments.length - 1;
    const is = await occupantOf(at);
    if (isLast && is !== 'file') return { is, file: undefined };
    if (!isLast && is === 'symlink') return { is: 'beyond-link', file: undefined };
    if (!isLast && is !== 'folder') return { is: 'nothing', file: undefined };
    opened.push(await open(at, O_RDONLY | O_NOFOLLOW | (isLast ? O_NONBLOCK : O_DIRECTORY)));
  }
  return { is: 'file', file: opened.at(-1) };
}

/** What stands at `path` by itself; a symbolic link at its end is not followed. */
export async function occupantOf(path: string): Promise<PathOccupant> {
  try {
    return kindOf(await lstat(path));
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'nothing';
    throw error;
  }
}

function kindOf(stats: Stats): PathOccupant {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'symlink' : 'special';
}
