import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { ManifestEntry } from '../../shared/release/manifest.ts';
import type { ScratchBlobs } from '../../shared/store/scratch-blobs.ts';
import { ByteReader } from './byte-reader.ts';
import type { CommitEntry, CommitTree } from './commit-tree.ts';
import { firstLine, type Git } from './git.ts';
import { endText } from './run-command.ts';

const LFS_POINTER = 'version https://git-lfs.github.com/spec/v1\n';
/** A pointer is three short lines; git-lfs itself reads no more. */
const LFS_POINTER_BYTES = 1024;

/** A line of `cat-file --batch`: object id, type, size. */
const HEADER_BYTES = 256;

interface ReadBlob {
  readonly sha256: Sha256;
  readonly size: number;
  /** The whole content where it is small, for what is looked for in it. */
  readonly small: Buffer | undefined;
}

/**
 * Reads the released blobs of a commit into `contents`, each once, and gives the manifest's entries. Errors:
 * `RejectedError` with `object-missing`, `lfs-pointer` or `export-subst-unsupported`; `TransientError` where git breaks off.
 */
export async function readEntries(
  objects: Git,
  tree: CommitTree,
  { contents, signal }: { contents: ScratchBlobs; signal?: AbortSignal | undefined },
): Promise<ManifestEntry[]> {
  const blobs = await readAll(objects, { blobs: [...new Set(tree.entries.map(({ blob }) => blob))], contents, signal });
  const read = tree.entries.map((entry) => ({ entry, blob: found(blobs, entry) }));
  checkNoPointer(read);
  checkNoSubstitution(read, { substituted: tree.substituted, contents });
  return read.map(manifestEntry);
}

/** The content of one small file of the commit. Errors: `RejectedError('git-failed')` where it is not there. */
export function readCommitted(objects: Git, { blob }: CommitEntry): Promise<Buffer> {
  return objects.read(['cat-file', 'blob', blob]);
}

interface ReadEntry {
  readonly entry: CommitEntry;
  readonly blob: ReadBlob;
}

function found(blobs: ReadonlyMap<string, ReadBlob>, { blob }: CommitEntry): ReadBlob {
  const read = blobs.get(blob);
  if (!read) throw missing(blob);
  return read;
}

function manifestEntry({ entry, blob }: ReadEntry): ManifestEntry {
  const { path, kind, mode } = entry;
  if (kind === 'symlink') return { kind, path, target: targetText(path, blob.small ?? Buffer.alloc(0)) };
  return { kind, path, mode, size: blob.size, sha256: blob.sha256 };
}

function targetText(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new RejectedError(
      'symlink-target-malformed',
      `failed to accept path ${JSON.stringify(path)}: its target is not UTF-8`,
      { cause },
    );
  }
}

function checkNoPointer(read: readonly ReadEntry[]): void {
  const pointers = read.filter(
    ({ entry, blob }) => entry.kind === 'file' && blob.small?.toString('latin1').startsWith(LFS_POINTER),
  );
  if (pointers.length === 0) return;
  throw new RejectedError(
    'lfs-pointer',
    `failed to build: the content of ${quoted(pointers)} is not in the commit, only a pointer to Git LFS`,
    {
      hint: 'commit the files themselves, or leave them out with export-ignore',
    },
  );
}

/**
 * What `export-subst` expands to depends on references that each clone has or has not, so no two builds need agree;
 * a file that asks for it without a keyword in it is as committed.
 */
function checkNoSubstitution(
  read: readonly ReadEntry[],
  { substituted, contents }: { substituted: ReadonlySet<string>; contents: ScratchBlobs },
): void {
  const asking = read.filter(({ entry, blob }) => substituted.has(entry.path) && hasKeyword(blob, contents));
  if (asking.length === 0) return;
  throw new RejectedError('export-subst-unsupported', `failed to build: ${quoted(asking)} ask for export-subst`, {
    hint: 'remove export-subst from .gitattributes; the release statement names commit and version',
  });
}

function hasKeyword({ sha256, size }: ReadBlob, contents: ScratchBlobs): boolean {
  if (size > LIMITS.searchedFileBytes) return true;
  return contents.read(sha256).includes('$Format:');
}

function quoted(read: readonly ReadEntry[]): string {
  const shown = read
    .slice(0, 10)
    .map(({ entry }) => JSON.stringify(entry.path))
    .join(', ');
  return read.length > 10 ? `${shown} and ${read.length - 10} more` : shown;
}

function missing(blob: string): RejectedError {
  return new RejectedError(
    'object-missing',
    `failed to read the commit's files: object ${blob} is not in the repository`,
    {
      hint: 'fetch the whole repository: a partial clone lacks contents',
    },
  );
}

interface ReadAllRequest {
  readonly blobs: readonly string[];
  readonly contents: ScratchBlobs;
  readonly signal: AbortSignal | undefined;
}

async function readAll(objects: Git, { blobs, contents, signal }: ReadAllRequest): Promise<Map<string, ReadBlob>> {
  const input = Buffer.from(blobs.map((blob) => `${blob}\n`).join(''));
  const stream = objects.stream(['cat-file', '--batch'], { input, signal });
  const reader = new ByteReader(stream.stdout);
  const found = new Map<string, ReadBlob>();
  try {
    for (const blob of blobs) found.set(blob, await readOne(reader, { blob, contents }));
    return found;
  } catch (error) {
    if (error instanceof RejectedError || error instanceof TransientError) throw error;
    signal?.throwIfAborted();
    stream.stop();
    const { end, stderr } = await stream.ended();
    throw new TransientError(`failed to read the commit's files: git ${endText(end)}: ${firstLine(stderr)}`, {
      cause: error,
    });
  } finally {
    stream.stop();
  }
}

async function readOne(
  reader: ByteReader,
  { blob, contents }: { blob: string; contents: ScratchBlobs },
): Promise<ReadBlob> {
  const [, type, digits] = (await reader.line(HEADER_BYTES)).split(' ');
  if (type !== 'blob' || digits === undefined) throw missing(blob);
  const size = Number(digits);
  const added = await contents.add(reader.pieces(size));
  if (added.size !== size) throw new RangeError(`expected ${size} bytes of ${blob}, got ${added.size}`);
  await reader.block(1);
  return { ...added, small: size <= LFS_POINTER_BYTES ? contents.read(added.sha256) : undefined };
}
