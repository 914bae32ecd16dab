import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { TransientError } from '../../shared/errors.ts';
import type { Range } from '../../shared/release/content/segments.ts';

const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Some bytes of a plain file. Errors: `TransientError`, also when it is shorter or is no plain file any more. */
export async function readRange(path: string, { offset, length }: Range): Promise<Buffer> {
  try {
    await using file = await open(path, READ_ONLY);
    if (!(await file.stat()).isFile()) throw new Error('it is no plain file');
    return await readWhole(file, { offset, length });
  } catch (cause) {
    throw new TransientError(`failed to read ${length} bytes of "${path}" from ${offset}`, { cause });
  }
}

async function readWhole(file: FileHandle, { offset, length }: Range): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw new Error(`it ends at ${offset + done}`);
    done += bytesRead;
  }
  return bytes;
}
