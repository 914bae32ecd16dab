/**
 * Writes the tree of a verified manifest below a new folder.
 *
 * Node has no openat(2), so that nothing is written through a symbolic link is kept by order and place:
 *
 * 1. The new folder's parent belongs to this user and is closed to all others (0700), so nobody else can put anything
 *    into the tree while it is written.
 * 2. The new folder, every folder below it and every copy is created here: mkdir and `O_EXCL` fail on whatever stands
 *    there, a symbolic link included; a file that is taken is moved to a path that no other entry has. So each segment of
 *    each path is one that this call has made itself.
 * 3. Symbolic links come last, when no path is written any more. Until then the tree holds none.
 * 4. The manifest's paths are checked here again (`path-rules.ts`), before anything is created.
 * 5. Modes are set by chmod, whatever the umask. When the call returns, files and folders are synced.
 *
 * Root on this host can break rule 1; the caller hashes what stands on disk before it is used.
 */
import { chmodSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { TransientError } from '../errors.ts';
import { type Manifest, type ManifestFile, manifestFiles } from '../release/manifest.ts';
import { checkManifestPaths } from '../release/path-rules.ts';
import { diskHint } from './disk-hints.ts';
import { doDiskJob } from './disk-threads/disk-threads.ts';
import { copyPlainFile } from './file-copy.ts';
import { forEachInParallel } from './in-parallel.ts';
import { checkPrivate, syncFolder } from './private-folder.ts';

/** As many as Node has threads for files. */
const COPIES_AT_ONCE = 4;
/** A sync waits for the disk, not for a processor. */
const SYNCS_AT_ONCE = 2;
/** Files between two turns of the event loop. */
const FILES_AT_ONCE = 256;
const NEVER = new AbortController().signal;

export interface WriteTreeOptions {
  /** Path of a plain file with the entry's content; it is copied or moved, never linked. */
  readonly contentOf: (file: ManifestFile) => string;
  /**
   * The content is a private file of the caller's on the same file system, and he needs it no more: it is moved into the
   * tree, and copied only for the further files that share it.
   */
  readonly mayTakeContent?: true;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Creates `root`, whose parent must exist and be private, with everything in `manifest`. A failed call leaves part of
 * the tree. Errors: `RejectedError` of `checkManifestPaths` or `folder-not-private`, and then nothing is written;
 * `TransientError` when the disk refuses, also when something stands at `root`; the signal's reason.
 */
export async function writeTree(root: string, manifest: Manifest, options: WriteTreeOptions): Promise<void> {
  checkManifestPaths(manifest.entries);
  checkPrivate(dirname(root));
  const folders = [root, ...foldersOf(manifest).map((path) => join(root, path))];
  onDisk(root, () => {
    for (const folder of folders) mkdirSync(folder, 0o755);
  });
  const files = manifestFiles(manifest);
  const taken = options.mayTakeContent ? lastUses(files) : new Set<ManifestFile>();
  const copied = files.filter((file) => !taken.has(file));
  await forEachInParallel(copied, { width: COPIES_AT_ONCE, signal: options.signal }, (file) =>
    copyPlainFile(options.contentOf(file), join(root, file.path), { mode: file.mode }),
  );
  await takeFiles([...taken], { root, options });
  await syncFiles(
    files.map(({ path }) => join(root, path)),
    { bytes: files.reduce((sum, { size }) => sum + size, 0), signal: options.signal },
  );
  onDisk(root, () => {
    for (const folder of folders) chmodSync(folder, 0o755);
    for (const entry of manifest.entries)
      if (entry.kind === 'symlink') symlinkSync(entry.target, join(root, entry.path));
    for (const folder of folders.toReversed()) syncFolder(folder);
    syncFolder(dirname(root));
  });
}

/** For each content the last file that has it; the copies for the others are made before. */
function lastUses(files: readonly ManifestFile[]): Set<ManifestFile> {
  return new Set(new Map(files.map((file) => [file.sha256, file])).values());
}

async function takeFiles(
  files: readonly ManifestFile[],
  { root, options }: { root: string; options: WriteTreeOptions },
): Promise<void> {
  for (const [index, file] of files.entries()) {
    if (index % FILES_AT_ONCE === 0) {
      await setImmediate();
      options.signal?.throwIfAborted();
    }
    const path = join(root, file.path);
    onDisk(root, () => {
      renameSync(options.contentOf(file), path);
      chmodSync(path, file.mode);
    });
  }
}

/** Behind all copies: the first sync then commits the file system's journal for most of the others too. */
async function syncFiles(
  paths: readonly string[],
  { bytes, signal = NEVER }: { bytes: number; signal: AbortSignal | undefined },
): Promise<void> {
  const lanes = Array.from({ length: SYNCS_AT_ONCE }, (_, lane) =>
    paths.filter((_, at) => at % SYNCS_AT_ONCE === lane),
  );
  await forEachInParallel(lanes, { width: SYNCS_AT_ONCE, signal }, (lane) =>
    doDiskJob('sync-files', { paths: lane }, { files: paths.length, bytes, signal }),
  );
}

/** The folders that the paths imply, each behind its parent. */
function foldersOf(manifest: Manifest): string[] {
  const folders = new Set<string>();
  for (const { path } of manifest.entries) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  // A folder's path is a prefix of those below it, and a prefix sorts first.
  return [...folders].sort();
}

function onDisk<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new TransientError(`failed to write tree "${path}"`, { cause, hint: diskHint(cause) });
  }
}
