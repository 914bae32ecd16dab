/** Packing (gate G2): the archive is written, packed again for comparison, unpacked, and searched once more. */
import { createHash } from 'node:crypto';
import { canonicalText } from '../../shared/canonical-json.ts';
import type { Sha256 } from '../../shared/digest.ts';
import type { ArtifactScanObservation } from '../../shared/ledger/kinds/artifact-scan.ts';
import type { ScanObservation } from '../../shared/ledger/kinds/scan-observation.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Manifest, ManifestEntry } from '../../shared/release/manifest.ts';
import type { ScratchFolder } from '../../shared/store/scratch-folder.ts';
import { type ArchiveEntry, readArchive } from './archive-reader.ts';
import { type ArchiveSource, archiveChunks } from './archive-writer.ts';
import { startScan } from './scan.ts';

export interface Digested {
  readonly sha256: Sha256;
  readonly size: number;
}

export const ARCHIVE_FILE = 'archive.tar.gz';

export async function writeArchive(source: ArchiveSource, scratch: ScratchFolder): Promise<Digested> {
  const tally = new Tally();
  await scratch.write(ARCHIVE_FILE, tally.through(archiveChunks(source)));
  return tally.result();
}

export async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<Digested> {
  const tally = new Tally();
  for await (const _chunk of tally.through(chunks));
  return tally.result();
}

export interface ArchiveScanRequest {
  /** The archive on disk. */
  readonly path: string;
  readonly folder: string;
  readonly manifest: Manifest;
  readonly forbid: readonly string[];
  readonly sourceScan: ScanObservation;
  readonly signal: AbortSignal | undefined;
}

/** Unpacks the archive and looks at what really came out of it. */
export async function scanArchive(request: ArchiveScanRequest): Promise<ArtifactScanObservation> {
  const scan = await startScan(request.forbid);
  const unpacked: ManifestEntry[] = [];
  for await (const entry of readArchive(request.path)) {
    request.signal?.throwIfAborted();
    const { digested, content } = await readEntry(entry);
    const path = entry.path.startsWith(`${request.folder}/`) ? entry.path.slice(request.folder.length + 1) : entry.path;
    unpacked.push(unpackedEntry(entry, { path, digested }));
    await scan.add({ path, kind: entry.kind, size: entry.size, read: () => content });
  }
  const seen = scan.result();
  return {
    ...seen,
    matchesManifest: canonicalText(unpacked) === canonicalText(request.manifest.entries),
    matchesSourceScan: canonicalText(seen) === canonicalText(request.sourceScan),
  };
}

async function readEntry(entry: ArchiveEntry): Promise<{ digested: Digested; content: Buffer }> {
  const tally = new Tally();
  const kept: Uint8Array[] = [];
  for await (const piece of tally.through(entry.content)) if (entry.size <= LIMITS.searchedFileBytes) kept.push(piece);
  return { digested: tally.result(), content: Buffer.concat(kept) };
}

/** As a manifest would say it: the path as it stood in the archive, so that a wrong folder shows as a difference. */
function unpackedEntry(
  { kind, mode, target }: ArchiveEntry,
  { path, digested }: { path: string; digested: Digested },
): ManifestEntry {
  if (kind === 'symlink') return { kind, path, target };
  return { kind, path, mode: mode as 0o644 | 0o755, ...digested };
}

class Tally {
  readonly #digest = createHash('sha256');
  #size = 0;

  async *through<T extends Uint8Array>(chunks: AsyncIterable<T>): AsyncIterable<T> {
    for await (const chunk of chunks) {
      this.#digest.update(chunk);
      this.#size += chunk.length;
      yield chunk;
    }
  }

  result(): Digested {
    return { sha256: this.#digest.digest('hex'), size: this.#size };
  }
}
