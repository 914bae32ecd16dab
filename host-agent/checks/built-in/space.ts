import { statfs } from 'node:fs/promises';
import type { SpaceObservation } from '../../../shared/ledger/kinds/space.ts';
import { type Manifest, manifestFiles } from '../../../shared/release/manifest.ts';
import { type Observe, observed } from '../observe.ts';

/** Content is received once and copied once into the tree; a copy that shares blocks needs less. */
const COPY_COUNT = 2;
/** For folders' own blocks, the deploy manifest and the file system's bookkeeping. */
const SPARE_BYTES = 64 * 1024 * 1024;
const SPARE_INODES = 1024;

export const observeSpace: Observe = async ({ manifest, places }) => {
  const { bsize, bavail, files, ffree } = await statfs(places.installRoot, { bigint: true });
  return observed({
    neededBytes: neededBytes(manifest, Number(bsize)),
    neededInodes: COPY_COUNT * (manifest.entries.length + folderCount(manifest)) + SPARE_INODES,
    freeBytes: safeInteger(bsize * bavail),
    ...(files > 0n && { freeInodes: safeInteger(ffree) }),
  } satisfies SpaceObservation);
};

/** Each file takes whole blocks. */
function neededBytes(manifest: Manifest, blockBytes: number): number {
  const blocks = manifestFiles(manifest).reduce((sum, { size }) => sum + Math.ceil(size / blockBytes), 0);
  return COPY_COUNT * (blocks + folderCount(manifest)) * blockBytes + SPARE_BYTES;
}

function folderCount(manifest: Manifest): number {
  const folders = new Set<string>();
  for (const { path } of manifest.entries) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) folders.add(path.slice(0, at));
  }
  return folders.size + 1;
}

function safeInteger(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
