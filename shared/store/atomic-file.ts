/**
 * The only code that writes files (trees of a release are written by `tree-writer.ts` beside it).
 *
 * 1. A reader sees the old content or the new one, never a mixture and never an empty file.
 * 2. When a call returns, its effect survives a power cut: file and folder are synced.
 * 3. A failed call leaves the old content and nothing beside it.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { TransientError } from '../errors.ts';

const DEFAULT_MODE = 0o644;

/**
 * Replaces the file at `path` by `content`; its folder must exist. `mode` (default 0644) is set whatever the umask.
 * Errors: `TransientError` with the system error as cause.
 */
export function writeFileAtomic(path: string, content: Uint8Array | string, options: { mode?: number } = {}): void {
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeAside(aside, content, options.mode ?? DEFAULT_MODE);
    renameSync(aside, path);
    syncDirectory(dirname(path));
  } catch (cause) {
    rmSync(aside, { force: true });
    throw new TransientError(`failed to write "${path}"`, { cause });
  }
}

/**
 * Replaces the files of those names in `folder`, which must exist, each as a whole; their folder is synced once. Errors: as
 * `writeFileAtomic`; some of the files may be replaced then.
 */
export function writeFilesAtomic(
  folder: string,
  files: readonly { readonly name: string; readonly content: Uint8Array | string }[],
): void {
  const suffix = `.${randomBytes(6).toString('hex')}.tmp`;
  const paths = files.map(({ name }) => join(folder, name));
  try {
    for (const [index, path] of paths.entries()) writeAside(path + suffix, files[index]?.content ?? '', DEFAULT_MODE);
    for (const path of paths) renameSync(path + suffix, path);
    syncDirectory(folder);
  } catch (cause) {
    for (const path of paths) rmSync(path + suffix, { force: true });
    throw new TransientError(`failed to write into "${folder}"`, { cause });
  }
}

/** Makes the folder and its missing parents, durably. `mode` is set on the folder itself, even if it was there. */
export function makeDirectory(path: string, options: { mode?: number } = {}): void {
  try {
    const firstMade = mkdirSync(path, { recursive: true });
    if (options.mode !== undefined) chmodSync(path, options.mode);
    if (firstMade !== undefined) syncParents(resolve(path), resolve(firstMade));
  } catch (cause) {
    throw new TransientError(`failed to make the folder "${path}"`, { cause });
  }
}

/** Removes a file or a folder with all below it, durably; nothing there is fine. Does not follow symbolic links. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
    syncDirectory(dirname(resolve(path)));
  } catch (cause) {
    throw new TransientError(`failed to remove "${path}"`, { cause });
  }
}

function writeAside(aside: string, content: Uint8Array | string, mode: number): void {
  const file = openSync(aside, 'wx', mode);
  try {
    fchmodSync(file, mode);
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Syncs every folder that got a new entry: the parents of `path` up to the parent of `firstMade`. */
function syncParents(path: string, firstMade: string): void {
  for (let made = path; ; made = dirname(made)) {
    syncDirectory(dirname(made));
    if (made === firstMade) return;
  }
}

function syncDirectory(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
