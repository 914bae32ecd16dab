/** Anchors: the content of neighbours that an installation must not change, read from disk each time (P5). */

import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Sha256 } from '../../shared/digest.ts';
import { sha256 } from '../../shared/digest.ts';
import { hashTreeAside } from '../../shared/store/disk-threads/hash-tree-aside.ts';
import { standingAt } from '../../shared/store/tree-move.ts';
import { hashFile } from '../../shared/store/tree-reader.ts';

/** `link`: a symbolic link, anchored by where it points; what stands there is not covered. */
export type AnchorReading =
  | { readonly is: 'folder' | 'file' | 'link'; readonly digest: Sha256 }
  | { readonly is: 'missing' | 'special' };

/** One full read of the neighbour at `path`. Errors: `TransientError` when it changes meanwhile or cannot be read. */
export async function readAnchor(
  path: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<AnchorReading> {
  const stat = standingAt(path);
  if (!stat) return { is: 'missing' };
  if (stat.isDirectory()) return { is: 'folder', digest: (await hashTreeAside(path, options)).digest };
  if (stat.isFile()) return { is: 'file', digest: await hashFile(path, options) };
  if (stat.isSymbolicLink()) return { is: 'link', digest: sha256(readlinkSync(path, { encoding: 'buffer' })) };
  return { is: 'special' };
}

/** `reads` full reads, one behind the other; never cached. */
export async function readAnchorRepeatedly(
  path: string,
  options: { reads: number; signal?: AbortSignal | undefined },
): Promise<AnchorReading[]> {
  const readings: AnchorReading[] = [];
  for (let read = 0; read < options.reads; read += 1) readings.push(await readAnchor(path, options));
  return readings;
}

/** Where the plan's absolute path stands on this host. */
export function pathOnHost(rootPrefix: string, planPath: string): string {
  return join(rootPrefix === '' ? '/' : rootPrefix, planPath);
}
