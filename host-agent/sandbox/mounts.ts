/**
 * What a sandbox sees of the file system, as arguments of bubblewrap.
 *
 * The root is bound read-only; folders that hold other people's state are masked by empty file systems; the tree and
 * what the spec names are bound back. [rule: deeper-wins] Mounts are made from the shortest path to the longest, so a
 * path always wins over the folders that contain it: a tree below `/tmp` stays visible, a hidden folder inside a tree
 * stays hidden.
 */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { RejectedError } from '../../shared/errors.ts';
import { hostSockets } from './host-sockets.ts';
import type { SandboxSpec } from './spec.ts';

/** Masked always: other programs' sockets, files and homes. */
const MASKED_FOLDERS = ['/run', '/home', '/root', '/var/tmp', '/media', '/mnt'];
/** A masked folder holds nothing but mount points. */
const MASK_BYTES = 1024 * 1024;

interface Mount {
  readonly path: string;
  readonly kind: 'mask' | 'read' | 'write' | 'scratch' | 'mask-file';
}

/** Bubblewrap's arguments, in this order: `mounts`, then whatever else goes into masked folders, then `seals`. */
export interface MountArguments {
  readonly mounts: readonly string[];
  /** Makes the masked folders read-only; needed where the payload's user owns them, as in a user namespace. */
  readonly seals: readonly string[];
}

/**
 * All mounts but `/dev`, `/proc` and secrets. Throws `RejectedError` when a path is both hidden and to be seen, and the
 * system's error (ENOENT) when the tree, or a readable or writable path, does not exist.
 */
export function mountArguments(spec: SandboxSpec): MountArguments {
  const mounts = deepestLast([
    mountOf('scratch', realpathSync('/tmp')),
    mountOf('scratch', '/dev/shm'),
    ...MASKED_FOLDERS.filter(isRealFolder).map((path) => mountOf('mask', path)),
    ...closedAncestors(spec.tree).map((path) => mountOf('mask', path)),
    ...hiddenMounts(spec.hidden),
    ...hostSockets(spec).map((path) => mountOf('mask-file', path)),
    ...resolvConfMounts(spec),
    mountOf('read', realpathSync(spec.tree)),
    ...(spec.readable ?? []).map((path) => mountOf('read', realpathSync(path))),
    ...(spec.writable ?? []).map((path) => mountOf('write', realpathSync(path))),
  ]);
  return {
    mounts: mounts.flatMap((mount) => [...wayArguments(mount, mounts), ...argumentsFor(mount, spec.limits.tmpBytes)]),
    seals: mounts.filter(({ kind }) => kind === 'mask').flatMap(({ path }) => ['--remount-ro', path]),
  };
}

function mountOf(kind: Mount['kind'], path: string): Mount {
  return { kind, path };
}

/** One mount a path. Of two on the same path the later of `mounts` counts, but hiding is never undone by accident. */
function deepestLast(mounts: readonly Mount[]): Mount[] {
  const byPath = new Map<string, Mount>();
  for (const mount of mounts) {
    const before = byPath.get(mount.path);
    if (before?.kind.startsWith('mask') && !mount.kind.startsWith('mask')) {
      throw new RejectedError('path-is-hidden', `cannot run process: "${mount.path}" is both hidden and to be seen`);
    }
    byPath.set(mount.path, mount);
  }
  const sorted = [...byPath.values()].sort((a, b) => depthOf(a.path) - depthOf(b.path));
  return sorted.filter((mount) => !isHiddenAlready(mount, sorted));
}

/** Whether hiding `path` would only add an empty folder, whose name tells something, to one that is empty by itself. */
function isHiddenAlready(mount: Mount, mounts: readonly Mount[]): boolean {
  return mount.kind.startsWith('mask') && emptyFolderAbove(mount, mounts) !== undefined;
}

/** The mount that decides what is at `path`, if that one starts out empty. */
function emptyFolderAbove({ path }: Mount, mounts: readonly Mount[]): Mount | undefined {
  const nearest = mounts.findLast((mount) => path.startsWith(`${mount.path}/`));
  return nearest?.kind === 'mask' || nearest?.kind === 'scratch' ? nearest : undefined;
}

/** Folders on the way to a mount below an empty one. Bubblewrap would make them for their owner alone. */
function wayArguments(mount: Mount, mounts: readonly Mount[]): string[] {
  const empty = emptyFolderAbove(mount, mounts);
  const way: string[] = [];
  if (empty === undefined) return way;
  for (let path = dirname(mount.path); path !== empty.path; path = dirname(path)) way.unshift(path);
  return way.flatMap((path) => ['--perms', '0755', '--dir', path]);
}

function depthOf(path: string): number {
  return path.split(sep).length;
}

function argumentsFor(mount: Mount, tmpBytes: number): string[] {
  switch (mount.kind) {
    case 'mask':
      return ['--perms', '0755', '--size', String(MASK_BYTES), '--tmpfs', mount.path];
    case 'mask-file':
      // A device on a mount without devices: opening it, or connecting to it, is refused.
      return ['--ro-bind', '/dev/null', mount.path];
    case 'scratch':
      return ['--perms', '1777', '--size', String(tmpBytes), '--tmpfs', mount.path];
    case 'read':
      return ['--ro-bind', mount.path, mount.path];
    case 'write':
      return ['--bind', mount.path, mount.path];
  }
}

function hiddenMounts(hidden: readonly string[]): Mount[] {
  return hidden.flatMap((path) => {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return [];
    return [mountOf(status.isDirectory() ? 'mask' : 'mask-file', realpathSync(path))];
  });
}

/**
 * The topmost folder above the tree that other users may not enter. The sandbox's user could not reach the tree
 * through it; as it may see nothing else in there either, an empty folder takes its place.
 */
function closedAncestors(tree: string): string[] {
  const ancestors: string[] = [];
  for (let path = dirname(realpathSync(tree)); path !== '/'; path = dirname(path)) ancestors.unshift(path);
  const closed = ancestors.find((path) => (statSync(path).mode & 0o001) === 0);
  return closed === undefined ? [] : [closed];
}

/** With the host's network goes the host's name resolution, whose file is often a link into the masked `/run`. */
function resolvConfMounts(spec: SandboxSpec): Mount[] {
  if (spec.network === 'none') return [];
  const target = realpathOrUndefined('/etc/resolv.conf');
  return target?.startsWith('/run/') ? [mountOf('read', target)] : [];
}

function realpathOrUndefined(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : realpathSync(path);
}

/** A folder that is no link: a link's target is masked, or not, by its own name. */
function isRealFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
