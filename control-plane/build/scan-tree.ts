import { readFile } from 'node:fs/promises';
import type { ScanObservation } from '../../shared/ledger/kinds/scan-observation.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { ScratchFolder } from '../../shared/store/scratch-folder.ts';
import { BLOB_FOLDER } from './read-blobs.ts';
import { startScan } from './scan.ts';

export interface ScanTreeOptions {
  readonly forbid: readonly string[];
  readonly scratch: ScratchFolder;
  readonly signal: AbortSignal | undefined;
}

/** Scans every file of the commit that is released. */
export async function scanTree(
  manifest: Manifest,
  { forbid, scratch, signal }: ScanTreeOptions,
): Promise<ScanObservation> {
  const scan = await startScan(forbid);
  for (const entry of manifest.entries) {
    signal?.throwIfAborted();
    if (entry.kind === 'symlink')
      await scan.add({ path: entry.path, kind: 'symlink', size: 0, read: () => Buffer.alloc(0) });
    else
      await scan.add({
        path: entry.path,
        kind: 'file',
        size: entry.size,
        read: () => readFile(scratch.at(`${BLOB_FOLDER}/${entry.sha256}`)),
      });
  }
  return scan.result();
}
