import { writeFileSync } from 'node:fs';
import { sha256 } from '../../shared/digest.ts';
import { encodeKtr } from '../../shared/release/ktr.ts';
import { collected } from './rejection-of.ts';

/** Writes a bundle with these blobs, the first of which stands for its statement, and gives its path. */
export async function writeKtr(path: string, contents: readonly Buffer[]): Promise<string> {
  const blobs = contents.map(
    (content) => [sha256(content), { size: content.length, open: () => once(content) }] as const,
  );
  writeFileSync(path, Buffer.concat(await collected(encodeKtr(sha256(contents[0] ?? ''), new Map(blobs)))));
  return path;
}

async function* once(content: Buffer): AsyncGenerator<Uint8Array> {
  if (content.length > 0) yield content;
}
