/** Digests by which both sides of a pair show that the same bytes have arrived. */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';

const PIECE_BYTES = 1024 * 1024;

export function sha256OfFile(path: string): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let count = readSync(file, piece); count > 0; count = readSync(file, piece))
      hash.update(piece.subarray(0, count));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

/** Over paths, contents and link targets of everything below a folder, save the relative paths that are left out. */
export function digestOfFolder(
  folder: string,
  isLeftOut: (path: string) => boolean = () => false,
): { digest: string; files: number } {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => !isLeftOut(name));
  const hash = createHash('sha256');
  let files = 0;
  for (const name of names.sort()) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) continue;
    files += 1;
    hash.update(`${name}\0${stat.isSymbolicLink() ? `link ${readlinkSync(path)}` : sha256OfFile(path)}\0`);
  }
  return { digest: hash.digest('hex'), files };
}

/** The one file that an agent adds to what was released. */
export function isDeployManifest(path: string): boolean {
  return path === 'DEPLOY-MANIFEST.txt';
}
