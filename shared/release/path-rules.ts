/**
 * Which paths a release may have. A manifest that passes can be written below a folder on any file system without
 * leaving that folder, without one entry hiding another, and without writing through a link.
 *
 * 1. A path is relative, normalised, NFC, printable, and within the limits.
 * 2. No two entries, and no two folders, are the same to a file system that folds case or Unicode.
 * 3. Nothing stands below a file or below a symbolic link.
 * 4. A symbolic link, followed through every other link of the manifest, ends inside the tree and not above itself.
 * 5. `DEPLOY-MANIFEST.txt`, `.keyturn` and `.git` belong to others.
 *
 * It does not look at a disk: see `tree-writer.ts` for how these entries are written.
 */
import { RejectedError, type RejectionCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { foldName } from './path-folding.ts';
import { emptyFolder, type Folder, isFolder, isLink, type Link, resolveLink } from './path-tree.ts';

/** The one file that the agent adds to an installation, and that the tree digest leaves out. */
export const DEPLOY_MANIFEST_NAME = 'DEPLOY-MANIFEST.txt';

const RESERVED_AT_TOP = foldName(DEPLOY_MANIFEST_NAME);
const RESERVED_ANYWHERE = new Set(['.keyturn', '.git']);

/** Controls, line and paragraph separators, and marks that turn the writing direction: they make a listing lie. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** What the rules look at; manifest entries are of this shape. */
export interface PathEntry {
  readonly kind: 'file' | 'symlink';
  readonly path: string;
  readonly target?: string;
}

/**
 * Checks all entries of a manifest, in any order, in time linear in their paths' length. Errors: `RejectedError` with a
 * code of `checkPath`, or `path-repeated`, `path-collision`, `path-file-is-folder`, `path-below-symlink`,
 * `folder-count-too-large`, `symlink-target-absolute`, `symlink-target-malformed`, `symlink-leaves-tree`,
 * `symlink-chain-too-long`, `symlink-loop`.
 */
export function checkManifestPaths(entries: readonly PathEntry[]): void {
  const tree = emptyFolder(undefined);
  const links: Link[] = [];
  const count = { folders: 0 };
  for (const entry of entries) {
    checkPath(entry.path);
    const link = addEntry(tree, entry, count);
    if (link) links.push(link);
  }
  for (const link of links) checkLink(link);
}

/**
 * Checks one path by itself. Errors: `RejectedError` with `path-empty`, `path-not-unicode`, `path-control-character`,
 * `path-absolute`, `path-not-nfc`, `path-too-long`, `path-segment-too-long`, `path-too-deep`, `path-segment-empty`,
 * `path-dot-segment` or `path-reserved`.
 */
export function checkPath(path: string): void {
  if (path === '') throw refused('path-empty', path, 'is empty');
  checkText(path, 'path');
  if (path.startsWith('/')) throw refused('path-absolute', path, 'is absolute');
  if (path !== path.normalize('NFC')) throw refused('path-not-nfc', path, 'is not in normal form C');
  const segments = path.split('/');
  if (segments.length > LIMITS.pathDepth) {
    throw refused('path-too-deep', path, `has ${segments.length} segments, expected at most ${LIMITS.pathDepth}`);
  }
  for (const segment of segments) checkSegment(segment, path);
  // As a folder's name too: the tree digest would leave out all that is in it.
  if (foldName(segments[0] ?? '') === RESERVED_AT_TOP) {
    throw refused('path-reserved', path, 'is a name that the agent writes itself');
  }
}

function checkSegment(segment: string, path: string): void {
  if (segment === '') throw refused('path-segment-empty', path, 'has an empty segment');
  if (segment === '.' || segment === '..') throw refused('path-dot-segment', path, `has the segment "${segment}"`);
  const bytes = Buffer.byteLength(segment);
  if (bytes > LIMITS.pathSegmentBytes) {
    throw refused(
      'path-segment-too-long',
      path,
      `has a name of ${bytes} bytes, expected at most ${LIMITS.pathSegmentBytes}`,
    );
  }
  if (RESERVED_ANYWHERE.has(foldName(segment))) {
    throw refused('path-reserved', path, `has the reserved segment "${segment}"`);
  }
}

/** Rules that hold for a path and for a link's target. */
function checkText(text: string, what: 'path' | 'symlink-target'): void {
  const code = (fact: Lowercase<string>): RejectionCode =>
    what === 'path' ? (`path-${fact}` as const) : 'symlink-target-malformed';
  if (text.length > LIMITS.pathBytes || Buffer.byteLength(text) > LIMITS.pathBytes) {
    throw refused(code('too-long'), text, `is longer than ${LIMITS.pathBytes} bytes`);
  }
  if (!text.isWellFormed()) throw refused(code('not-unicode'), text, 'holds half a surrogate pair');
  if (UNPRINTABLE.test(text)) throw refused(code('control-character'), text, 'holds a control character');
}

/** Puts an entry in its place; returns its link, if it is one. */
function addEntry(tree: Folder, entry: PathEntry, count: { folders: number }): Link | undefined {
  const segments = entry.path.split('/');
  const name = segments.pop() ?? '';
  let folder = tree;
  for (const segment of segments) folder = stepInto(folder, { segment, path: entry.path, count });
  const there = folder.children.get(name);
  if (isFolder(there)) {
    if (entry.kind === 'symlink')
      throw refused('path-below-symlink', entry.path, 'is a symbolic link with entries below it');
    throw refused('path-file-is-folder', entry.path, 'is a file with entries below it');
  }
  if (there) throw refused('path-repeated', entry.path, 'stands twice');
  claimName(folder, name, entry.path);
  if (entry.kind === 'file') {
    folder.children.set(name, 'file');
    return undefined;
  }
  const link: Link = { folder, path: entry.path, target: entry.target ?? '', resolution: 'not-begun' };
  folder.children.set(name, link);
  return link;
}

function stepInto(folder: Folder, at: { segment: string; path: string; count: { folders: number } }): Folder {
  const { segment, path, count } = at;
  const there = folder.children.get(segment);
  if (isFolder(there)) return there;
  if (isLink(there)) throw refused('path-below-symlink', path, `stands below the symbolic link "${there.path}"`);
  if (there) throw refused('path-file-is-folder', path, `stands below the file "${segment}"`);
  if (++count.folders > LIMITS.manifestFolderCount) {
    throw refused(
      'folder-count-too-large',
      path,
      `needs folder number ${count.folders}, expected at most ${LIMITS.manifestFolderCount}`,
    );
  }
  claimName(folder, segment, path);
  const made = emptyFolder(folder);
  folder.children.set(segment, made);
  return made;
}

function claimName(folder: Folder, name: string, path: string): void {
  const folded = foldName(name);
  const taken = folder.foldedNames.get(folded);
  if (taken !== undefined)
    throw refused('path-collision', path, `has the name "${name}", which some file systems take for "${taken}"`);
  folder.foldedNames.set(folded, name);
}

function checkLink(link: Link): void {
  const { path, target } = link;
  if (target === '') throw refused('symlink-target-malformed', path, 'is a symbolic link to nothing');
  checkText(target, 'symlink-target');
  if (target.startsWith('/'))
    throw refused('symlink-target-absolute', path, `points to "${target}", expected a relative target`);
  if (target.split('/').length > LIMITS.pathDepth) {
    throw refused('symlink-target-malformed', path, `has a target of more than ${LIMITS.pathDepth} segments`);
  }
  const end = resolveLink(link, LIMITS.symlinkChainCount);
  switch (end.at) {
    case 'inside':
      return;
    case 'outside':
      throw refused('symlink-leaves-tree', path, `points out of the tree by "${target}"`);
    case 'loop':
      throw refused('symlink-loop', path, `points to itself or to a folder around itself by "${target}"`);
    case 'too-far':
      throw refused(
        'symlink-chain-too-long',
        path,
        `passes more than ${LIMITS.symlinkChainCount} links by "${target}"`,
      );
  }
}

function refused(code: RejectionCode, path: string, fact: string): RejectedError {
  return new RejectedError(code, `failed to accept path ${JSON.stringify(path.slice(0, 200))}: it ${fact}`);
}
