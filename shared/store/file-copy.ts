/**
 * Copies one plain file to a path where nothing stands.
 *
 * 1. The source is opened without following a link and looked at before it is read; what is copied is that open file.
 * 2. The copy has an inode of its own: blocks are shared where the file system can (reflink), the inode never (P5).
 * 3. The destination is created by the copy or the copy fails; nothing is overwritten or written through.
 */
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { copyFile, type FileHandle, open } from 'node:fs/promises';
import { TransientError } from '../errors.ts';
import { diskHint } from './disk-hints.ts';

const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * `mode`: permission bits of the copy, whatever the umask. The copy is not synced.
 * Errors: `TransientError`; a file that was half copied stays at `to`, in the caller's private folder.
 */
export async function copyPlainFile(from: string, to: string, options: { mode: number }): Promise<void> {
  try {
    await withFile(from, async (source) => {
      if (!(await source.stat()).isFile()) throw new Error(`"${from}" is no plain file`);
      // The open file, not its name: the name may stand for something else by now.
      await copyFile(`/proc/self/fd/${source.fd}`, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    });
    await withFile(to, (copy) => copy.chmod(options.mode));
  } catch (cause) {
    throw new TransientError(`failed to copy "${from}" to "${to}"`, { cause, hint: diskHint(cause) });
  }
}

/** Makes a file's content and mode survive a power cut; its name does once its folder is synced. Errors: `TransientError`. */
export function syncFile(path: string): void {
  try {
    const file = openSync(path, READ_ONLY);
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new TransientError(`failed to sync "${path}"`, { cause, hint: diskHint(cause) });
  }
}

async function withFile(path: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, READ_ONLY);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
