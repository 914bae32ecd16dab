/**
 * Writes the tree of a verified manifest below a new folder.
 *
 * Node has no openat(2), so that nothing is written through a symbolic link is kept by order and place:
 *
 * 1. The new folder's parent belongs to this user and is closed to all others (0700), so nobody else can put anything
 *    into the tree while it is written.
 * 2. The new folder, every folder below it and every file is created here: mkdir and `O_EXCL` fail on whatever stands
 *    there, a symbolic link included. So each segment of each path is one that this call has made itself.
 * 3. Symbolic links come last, when no path is written any more. Until then the tree holds none.
 * 4. The manifest's paths are checked here again (`path-rules.ts`), before anything is created.
 * 5. Modes are set by chmod, whatever the umask. When the call returns, files and folders are synced.
 *
 * Root on this host can break rule 1; the caller hashes what stands on disk before it is used.
 */
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TransientError } from '../errors.ts';
import { type Manifest, type ManifestFile, manifestFiles } from '../release/manifest.ts';
import { checkManifestPaths } from '../release/path-rules.ts';
import { diskHint } from './disk-hints.ts';
import { copyPlainFile, syncFile } from './file-copy.ts';
import { forEachInParallel } from './in-parallel.ts';
import { checkPrivate, syncFolder } from './private-folder.ts';

/** As many as Node has threads for files. */
const COPIES_AT_ONCE = 4;

export interface WriteTreeOptions {
  /** Path of a plain file with the entry's content; it is copied, never linked. */
  readonly contentOf: (file: ManifestFile) => string;
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
  const together = { width: COPIES_AT_ONCE, signal: options.signal };
  await forEachInParallel(files, together, (file) =>
    copyPlainFile(options.contentOf(file), join(root, file.path), { mode: file.mode }),
  );
  // Behind all copies: the first sync then commits the file system's journal for most of the others too.
  await forEachInParallel(files, together, (file) => syncFile(join(root, file.path)));
  onDisk(root, () => {
    for (const folder of folders) chmodSync(folder, 0o755);
    for (const entry of manifest.entries)
      if (entry.kind === 'symlink') symlinkSync(entry.target, join(root, entry.path));
    for (const folder of folders.toReversed()) syncFolder(folder);
    syncFolder(dirname(root));
  });
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
