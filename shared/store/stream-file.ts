/** A file that arrives in pieces: it gets its name only when every byte is there, verified and synced. */
import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';

export interface ExpectedContent {
  readonly sha256: Sha256;
  readonly size: number;
}

/**
 * Writes `content` to `path`, replacing what is there; `expected` where the content does not vouch for itself. Stops at
 * the first byte beyond its `size`. Errors: `RejectedError('content-digest-differs')`; those of `content`; the system's own. Either way the old file stays and nothing beside it.
 */
export async function writeStreamAtomic(
  path: string,
  content: AsyncIterable<Uint8Array>,
  expected?: ExpectedContent,
): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeAside(aside, expected ? verified(content, { ...expected, aside }) : content);
    await rename(aside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

async function writeAside(aside: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  await using file = await open(aside, 'wx', 0o644);
  for await (const piece of content) await file.writeFile(piece);
  await file.sync();
}

async function* verified(
  content: AsyncIterable<Uint8Array>,
  expected: ExpectedContent & { aside: string },
): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256');
  let size = 0;
  for await (const piece of content) {
    size += piece.byteLength;
    if (size > expected.size) break;
    digest.update(piece);
    yield piece;
  }
  const sha256 = digest.digest('hex');
  if (size === expected.size && sha256 === expected.sha256) return;
  throw new RejectedError(
    'content-digest-differs',
    `failed to write "${expected.aside}": got ${size} bytes with digest ${sha256}, expected ${expected.size} with ${expected.sha256}`,
  );
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
