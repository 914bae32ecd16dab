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
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { TransientError } from '../errors.ts';
import { forEachInParallel } from './in-parallel.ts';

const DEFAULT_MODE = 0o644;
/** As many as Node has threads for files. */
const TOGETHER = { width: 4 };

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
 * Replaces the files of those names in `folder`, which must exist, each as a whole. They are flushed together: what several
 * threads flush at once is one flush for the disk. Errors: as `writeFileAtomic`; some of the files may be replaced then.
 */
export async function writeFilesAtomic(
  folder: string,
  files: readonly { readonly name: string; readonly content: Uint8Array }[],
): Promise<void> {
  const suffix = `.${randomBytes(6).toString('hex')}.tmp`;
  const aside = (name: string) => join(folder, `${name}${suffix}`);
  try {
    await forEachInParallel(files, TOGETHER, ({ name, content }) => writeAsideTogether(aside(name), content));
    for (const { name } of files) renameSync(aside(name), join(folder, name));
    syncDirectory(folder);
  } catch (cause) {
    for (const { name } of files) rmSync(aside(name), { force: true });
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

async function writeAsideTogether(aside: string, content: Uint8Array): Promise<void> {
  await using file = await open(aside, 'wx', DEFAULT_MODE);
  await file.chmod(DEFAULT_MODE);
  await file.writeFile(content);
  await file.sync();
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
