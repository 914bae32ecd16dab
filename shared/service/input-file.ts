import { readFileSync, statSync } from 'node:fs';
import { systemCodeOf, TransientError } from '../errors.ts';
import { UsageError } from './failure.ts';

/**
 * Reads a small file that the command line names; `what` says in errors what it was named as. Errors: `UsageError` when
 * it is not there or no file, `TransientError` when it cannot be read.
 */
export function readInputFile(path: string, what: string): Buffer {
  assertInputFile(path, what);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new TransientError(`failed to read ${what} "${path}"`, { cause });
  }
}

/** The same for a file that somebody else reads. Errors: as above. */
export function assertInputFile(path: string, what: string): void {
  if (isFile(path, what)) return;
  throw new UsageError(`${what} "${path}": expected a file, got a folder or a device`);
}

function isFile(path: string, what: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (cause) {
    const code = systemCodeOf(cause) ?? '';
    if (!['ENOENT', 'ENOTDIR'].includes(code)) throw new TransientError(`failed to read ${what} "${path}"`, { cause });
    throw new UsageError(`${what} "${path}": there is no such file`);
  }
}
