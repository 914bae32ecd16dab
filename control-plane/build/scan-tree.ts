import type { ScanObservation } from '../../shared/ledger/kinds/scan-observation.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { ScratchBlobs } from '../../shared/store/scratch-blobs.ts';
import { startScan } from './scan.ts';

export interface ScanTreeOptions {
  readonly forbid: readonly string[];
  readonly contents: ScratchBlobs;
  readonly signal: AbortSignal | undefined;
}

/** Scans every file of the commit that is released. */
export async function scanTree(
  manifest: Manifest,
  { forbid, contents, signal }: ScanTreeOptions,
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
        read: () => contents.read(entry.sha256),
      });
  }
  return scan.result();
}
