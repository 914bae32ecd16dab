/** A file that arrives in pieces: it gets its name only when every byte is there, verified and synced. */
import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';

/**
 * Writes `content` to `path`, replacing what is there. Stops at the first byte beyond `size`. Errors:
 * `RejectedError('content-digest-differs')`; the system's own. Either way the old file stays and nothing beside it.
 */
export async function writeStreamAtomic(
  path: string,
  content: AsyncIterable<Uint8Array>,
  expected: { sha256: Sha256; size: number },
): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeVerified(aside, content, expected);
    await rename(aside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

async function writeVerified(
  aside: string,
  content: AsyncIterable<Uint8Array>,
  expected: { sha256: Sha256; size: number },
): Promise<void> {
  const digest = createHash('sha256');
  let size = 0;
  const file = await open(aside, 'wx', 0o644);
  try {
    for await (const piece of content) {
      size += piece.byteLength;
      if (size > expected.size) break;
      digest.update(piece);
      await file.writeFile(piece);
    }
    const sha256 = digest.digest('hex');
    if (size !== expected.size || sha256 !== expected.sha256) {
      throw new RejectedError(
        'content-digest-differs',
        `failed to write "${aside}": got ${size} bytes with digest ${sha256}, expected ${expected.size} with ${expected.sha256}`,
      );
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
