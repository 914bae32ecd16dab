/**
 * Reads a tree as it stands on disk, to compare it with what was signed or with what stood there before.
 *
 * 1. It follows no symbolic link: not the root, not an entry, not one that takes a file's place while it is read.
 * 2. Every entry is seen: names that are no UTF-8 keep their bytes; pipes, sockets and devices are described, not opened.
 * 3. A file or folder that changes while it is read is an error, never a digest of a mixture.
 * 4. It is never cached, and memory does not grow with the size of a file.
 *
 * What is read comes through the kernel's page cache; a disk that lies about a synced page is not found out here.
 * System calls are synchronous, because that is several times faster for many small files; between pieces the event
 * loop gets its turn, so that a kill waits for milliseconds.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Sha256 } from '../digest.ts';
import { RejectedError, systemCodeOf, TransientError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type PathBytes, type TreeEntry, treeDigest } from '../release/tree-digest.ts';

export interface ReadTreeOptions {
  /** Names directly below the root that are not read. */
  readonly leaveOut?: readonly string[];
  /** Digests of files that this process has read from the disk before, by `identityOf`; they are not read again. */
  readonly known?: ReadonlyMap<string, Sha256> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TreeReading {
  readonly digest: Sha256;
  /** Digests of all files, by `identityOf`. */
  readonly read: ReadonlyMap<string, Sha256>;
  readonly fileCount: number;
  readonly entryCount: number;
  readonly bytes: number;
}

/** Hashes the tree at `root`. Errors as `readTree`. */
export async function hashTree(root: string, options: ReadTreeOptions = {}): Promise<TreeReading> {
  const { entries, read } = await readingOf(root, options);
  const files = entries.filter((entry) => entry.kind === 'file');
  return {
    digest: treeDigest(entries),
    read,
    fileCount: files.length,
    entryCount: entries.length,
    bytes: files.reduce((sum, file) => sum + file.size, 0),
  };
}

/**
 * All entries below the folder `root`, in no particular order; the root itself is none.
 * Errors: `RejectedError('tree-is-no-folder')` when a link or a file stands there, `RejectedError('tree-too-large')`
 * above `LIMITS.treeEntryCount`, `TransientError` when it is missing, changes while it is read, or cannot be read.
 */
export async function readTree(root: string, options: ReadTreeOptions = {}): Promise<TreeEntry[]> {
  return (await readingOf(root, options)).entries;
}

async function readingOf(root: string, options: ReadTreeOptions): Promise<Reading> {
  const reading = new Reading(root, options);
  if (!statOf(Buffer.from(root)).isDirectory()) {
    throw new RejectedError('tree-is-no-folder', `failed to read tree "${root}": no folder stands there`);
  }
  await readFolder(reading, '', new Set(options.leaveOut));
  return reading;
}

/** SHA-256 of the file at `path`. Errors: `TransientError`, also when it changes meanwhile or is no plain file. */
export async function hashFile(path: PathBytes, options: { signal?: AbortSignal | undefined } = {}): Promise<Sha256> {
  const bytes = Buffer.from(path);
  return hashPlainFile(new Reading('', options), bytes, statOf(bytes));
}

/** Tells a file with its content from every other, as long as nobody writes to it; a new name changes nothing. */
export function identityOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}`;
}

/** One reading's progress: what it has found, and when it last let others run. */
class Reading {
  readonly root: Buffer;
  readonly entries: TreeEntry[] = [];
  readonly known: ReadonlyMap<string, Sha256> | undefined;
  readonly read = new Map<string, Sha256>();
  #piece = Buffer.alloc(0);
  readonly #signal: AbortSignal | undefined;
  #costSincePause = 0;

  constructor(root: string, { known, signal }: Pick<ReadTreeOptions, 'known' | 'signal'>) {
    this.root = Buffer.from(root);
    this.known = known;
    this.#signal = signal;
  }

  add(entry: TreeEntry): void {
    this.entries.push(entry);
    if (this.entries.length > LIMITS.treeEntryCount) {
      throw new RejectedError(
        'tree-too-large',
        `failed to read tree "${this.root}": more than ${LIMITS.treeEntryCount} entries`,
      );
    }
  }

  /** Room to read a file of `size` bytes piece by piece, and to notice that there is more. */
  roomFor(size: bigint): Buffer {
    const needed = size < PIECE_BYTES ? Number(size) + 1 : PIECE_BYTES;
    if (this.#piece.length < needed) this.#piece = Buffer.allocUnsafe(needed);
    return this.#piece;
  }

  async spend(bytes: number): Promise<void> {
    this.#costSincePause += bytes + ENTRY_COST_BYTES;
    if (this.#costSincePause < PAUSE_BYTES) return;
    this.#costSincePause = 0;
    await setImmediate();
    this.#signal?.throwIfAborted();
  }
}

const PIECE_BYTES = 1024 * 1024;
/** About what a processor hashes in 5 ms. */
const PAUSE_BYTES = 8 * 1024 * 1024;
/** Opening and closing a file takes as long as hashing this much. */
const ENTRY_COST_BYTES = 64 * 1024;

async function readFolder(reading: Reading, below: PathBytes, leaveOut: ReadonlySet<string>): Promise<void> {
  const folder = below.length === 0 ? reading.root : join(reading.root, below);
  const before = statOf(folder);
  for (const name of namesIn(folder)) {
    if (leaveOut.has(name.toString('latin1'))) continue;
    const path = below.length === 0 ? name : join(below, name);
    await readEntry(reading, asText(path));
  }
  if (hasChanged(before, statOf(folder))) throw changed(folder);
}

async function readEntry(reading: Reading, path: PathBytes): Promise<void> {
  const absolute = join(reading.root, path);
  const stat = statOf(absolute);
  const mode = Number(stat.mode & 0o7777n);
  await reading.spend(0);
  if (stat.isFile()) {
    const identity = identityOf(stat);
    const sha256 = reading.known?.get(identity) ?? (await hashPlainFile(reading, absolute, stat));
    reading.read.set(identity, sha256);
    reading.add({ kind: 'file', path, mode, size: Number(stat.size), sha256 });
  } else if (stat.isSymbolicLink()) {
    reading.add({ kind: 'symlink', path, target: asText(linkTarget(absolute)) });
  } else if (stat.isDirectory()) {
    reading.add({ kind: 'folder', path, mode });
    await readFolder(reading, path, NOTHING);
  } else {
    reading.add({ kind: 'special', path, what: `${specialKind(stat)} ${mode.toString(8)}` });
  }
}

const NOTHING: ReadonlySet<string> = new Set();

async function hashPlainFile(reading: Reading, path: Buffer, seen: BigIntStats): Promise<Sha256> {
  const file = openPlainFile(path);
  try {
    const before = fstatSync(file, { bigint: true });
    if (!before.isFile() || hasChanged(seen, before)) throw changed(path);
    const digest = createHash('sha256');
    const piece = reading.roomFor(before.size);
    let bytes = 0n;
    for (let count = read(file, piece, path); count > 0; count = read(file, piece, path)) {
      digest.update(piece.subarray(0, count));
      bytes += BigInt(count);
      if (bytes > before.size) throw changed(path);
      await reading.spend(count);
    }
    if (bytes !== before.size || hasChanged(before, fstatSync(file, { bigint: true }))) throw changed(path);
    return digest.digest('hex');
  } finally {
    closeSync(file);
  }
}

/** `O_NONBLOCK`, so that a pipe that took the file's place cannot hold the agent; the caller looks at what it opened. */
function openPlainFile(path: Buffer): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (cause) {
    throw failed(path, cause);
  }
}

function read(file: number, into: Buffer, path: Buffer): number {
  try {
    return readSync(file, into, 0, into.length, null);
  } catch (cause) {
    throw failed(path, cause);
  }
}

function statOf(path: Buffer): BigIntStats {
  try {
    return lstatSync(path, { bigint: true });
  } catch (cause) {
    throw failed(path, cause);
  }
}

function namesIn(folder: Buffer): Buffer[] {
  try {
    return readdirSync(folder, { encoding: 'buffer' });
  } catch (cause) {
    throw failed(folder, cause);
  }
}

function linkTarget(path: Buffer): Buffer {
  try {
    return readlinkSync(path, { encoding: 'buffer' });
  } catch (cause) {
    throw failed(path, cause);
  }
}

/** Reading changes the access time only; any other change moves the change time, which nobody can set back. */
function hasChanged(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino !== b.ino || a.dev !== b.dev || a.size !== b.size || a.mtimeNs !== b.mtimeNs || a.ctimeNs !== b.ctimeNs;
}

function specialKind(stat: BigIntStats): string {
  if (stat.isFIFO()) return 'pipe';
  if (stat.isSocket()) return 'socket';
  return `${stat.isBlockDevice() ? 'block' : 'character'}-device ${stat.rdev}`;
}

function join(folder: PathBytes, name: PathBytes): Buffer {
  return Buffer.concat([Buffer.from(folder), Buffer.from('/'), Buffer.from(name)]);
}

function asText(path: PathBytes): PathBytes {
  const bytes = Buffer.from(path);
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes;
}

function changed(path: Buffer): TransientError {
  return new TransientError(`failed to read "${path}": it changed while it was read`);
}

function failed(path: Buffer, cause: unknown): TransientError {
  if (systemCodeOf(cause) === 'ELOOP') return changed(path);
  return new TransientError(`failed to read "${path}"`, { cause });
}
