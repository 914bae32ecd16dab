/**
 * The folders and links that a manifest implies, in memory, and where a link of it ends.
 *
 * Each link's target is walked once and its end remembered, so that many links through many links cost no more than
 * the length of their targets.
 */
export interface Folder {
  readonly parent: Folder | undefined;
  readonly children: Map<string, TreeNode>;
  /** Folded name to the name that took it. */
  readonly foldedNames: Map<string, string>;
}

export interface Link {
  readonly folder: Folder;
  readonly path: string;
  readonly target: string;
  resolution: 'not-begun' | 'begun' | LinkEnd;
}

export type TreeNode = Folder | Link | 'file';

/** Where a link ends; `links` is how many were followed. `missing` below a folder is inside, and dangles. */
export type LinkEnd =
  | { readonly at: 'inside'; readonly place: Place; readonly links: number }
  | { readonly at: 'outside' }
  | { readonly at: 'loop' }
  | { readonly at: 'too-far' };

/** A place in the tree: a folder, and the names below it that no entry has (or a file's name and what is said below it). */
interface Place {
  readonly folder: Folder;
  readonly beyond: number;
}

export function emptyFolder(parent: Folder | undefined): Folder {
  return { parent, children: new Map(), foldedNames: new Map() };
}

export function isFolder(node: TreeNode | undefined): node is Folder {
  return typeof node === 'object' && 'children' in node;
}

export function isLink(node: TreeNode | Place | 'outside' | undefined): node is Link {
  return typeof node === 'object' && 'target' in node;
}

/** Follows a link to its end, through at most `maximum` links, itself among them. */
export function resolveLink(link: Link, maximum: number): LinkEnd {
  if (link.resolution === 'begun') return { at: 'loop' };
  if (link.resolution !== 'not-begun') return link.resolution;
  link.resolution = 'begun';
  const end = maximum === 0 ? tooFar : walk(link, maximum);
  // A chain that is too long from here may be short enough from a link further on: only ends are remembered.
  link.resolution = end.at === 'too-far' ? 'not-begun' : end;
  return end;
}

const tooFar: LinkEnd = { at: 'too-far' };

function walk(link: Link, maximum: number): LinkEnd {
  let place: Place = { folder: link.folder, beyond: 0 };
  let links = 1;
  for (const segment of link.target.split('/')) {
    if (segment === '' || segment === '.') continue;
    const next = segment === '..' ? stepUp(place) : stepDown(place, segment);
    if (next === 'outside') return { at: 'outside' };
    if (!isLink(next)) {
      place = next;
      continue;
    }
    const end = resolveLink(next, maximum - 1);
    if (end.at !== 'inside') return end;
    links = Math.max(links, end.links + 1);
    if (links > maximum) return tooFar;
    place = end.place;
  }
  return place.beyond === 0 && isAround(place.folder, link.folder) ? { at: 'loop' } : { at: 'inside', place, links };
}

function stepUp({ folder, beyond }: Place): Place | 'outside' {
  if (beyond > 0) return { folder, beyond: beyond - 1 };
  return folder.parent ? { folder: folder.parent, beyond: 0 } : 'outside';
}

function stepDown({ folder, beyond }: Place, name: string): Place | Link {
  const child = beyond === 0 ? folder.children.get(name) : undefined;
  if (isLink(child)) return child;
  return isFolder(child) ? { folder: child, beyond: 0 } : { folder, beyond: beyond + 1 };
}

function isAround(outer: Folder, inner: Folder): boolean {
  for (let folder: Folder | undefined = inner; folder; folder = folder.parent) if (folder === outer) return true;
  return false;
}
