/**
 * One digest over a tree: SHA-256 over a version line and one NUL-terminated record for each entry, sorted by the
 * bytes of the path. The same digest is computed from a manifest and from what stands on disk.
 *
 * Owners and times are left out on purpose: they differ between hosts without anybody having changed a byte.
 */
import { type Sha256, sha256OfParts } from '../digest.ts';

export type TreeEntry =
  | { kind: 'file'; path: PathBytes; mode: number; size: number; sha256: Sha256 }
  | { kind: 'symlink'; path: PathBytes; target: PathBytes }
  | { kind: 'folder'; path: PathBytes; mode: number }
  /** Sockets, pipes and devices: only in neighbours, never in a release. */
  | { kind: 'special'; path: PathBytes; what: string };

/** A path relative to the tree's root; bytes where it is not UTF-8. */
export type PathBytes = string | Uint8Array;

export function treeDigest(entries: readonly TreeEntry[]): Sha256 {
  const sorted = entries
    .map((entry) => ({ entry, path: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.path, b.path));
  return sha256OfParts(records(sorted));
}

function* records(sorted: readonly { entry: TreeEntry; path: Buffer }[]): Iterable<Uint8Array | string> {
  yield 'keyturn-tree/v1\0';
  for (const { entry, path } of sorted) {
    yield attributes(entry);
    yield path;
    yield '\0';
    if (entry.kind === 'symlink') {
      yield Buffer.from(entry.target);
      yield '\0';
    }
  }
}

function attributes(entry: TreeEntry): string {
  switch (entry.kind) {
    case 'file':
      return `file ${entry.mode.toString(8)} ${entry.size} ${entry.sha256} `;
    case 'symlink':
      return 'symlink ';
    case 'folder':
      return `folder ${entry.mode.toString(8)} `;
    case 'special':
      return `special ${entry.what} `;
  }
}
