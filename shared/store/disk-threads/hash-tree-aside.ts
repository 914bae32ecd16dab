import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadTreeOptions, TreeReading } from '../tree-reader.ts';
import { doDiskJob } from './disk-threads.ts';

/** Entries that are looked at to know whether a tree is small. */
const LOOKED_AT = 512;

/** As `hashTree`, in a thread unless the tree is small. Errors: as `hashTree`. */
export function hashTreeAside(
  root: string,
  { leaveOut = [], signal = NEVER }: ReadTreeOptions = {},
): Promise<TreeReading> {
  return doDiskJob('hash-tree', { root, leaveOut }, { ...glance(root), signal });
}

const NEVER = new AbortController().signal;

/** What a tree has, as far as a short look tells; what cannot be looked at counts nothing: reading it says why. */
function glance(root: string): { files: number; bytes: number } {
  const folders = [root];
  const seen = { files: 0, bytes: 0 };
  for (let folder = folders.pop(); folder !== undefined && seen.files < LOOKED_AT; folder = folders.pop()) {
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      seen.files += 1;
      if (stat?.isDirectory()) folders.push(path);
      if (stat?.isFile()) seen.bytes += stat.size;
    }
  }
  return seen;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // gone, or closed: the reading itself tells
  }
}
