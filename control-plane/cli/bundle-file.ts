import { resolve } from 'node:path';
import { RejectedError } from '../../shared/errors.ts';
import { type Ktr, openKtr } from '../../shared/release/ktr.ts';
import { assertInputFile } from '../../shared/service/input-file.ts';

export function isBundleName(text: string): boolean {
  return text.endsWith('.ktr');
}

/** Errors: `UsageError` when there is no such file; `RejectedError`, with the path and a hint, when it is no whole bundle. */
export async function openBundle(file: string): Promise<Ktr> {
  const path = resolve(file);
  assertInputFile(path, 'bundle');
  return inBundle(path, () => openKtr(path));
}

/** Reads from an opened bundle; what is wrong with it is said with its path. */
export async function inBundle<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    throw new RejectedError(error.code, error.message.replace('read bundle:', `read bundle "${path}":`), {
      cause: error.cause,
      hint: error.hint ?? 'the file is damaged or was cut off: copy it again, or build the release again',
    });
  }
}
