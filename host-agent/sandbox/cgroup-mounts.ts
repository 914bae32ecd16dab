import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** One mounted cgroup hierarchy and where this process stands in it. */
export interface CgroupMount {
  readonly version: 1 | 2;
  /** Of a v1 hierarchy; empty for v2, which tells in each folder. */
  readonly controllers: readonly string[];
  /** The folder of this process's own group. */
  readonly ownFolder: string;
}

/** The hierarchies of this process; empty where there are none. Reads `/proc/self`. */
export function cgroupMounts(): CgroupMount[] {
  return parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
}

/** As `cgroupMounts`, from the text of `mountinfo` and `cgroup` (formats: proc(5), cgroups(7)). */
export function parseCgroupMounts(mountinfo: string, cgroup: string): CgroupMount[] {
  const own = cgroup.split('\n').filter(Boolean).map(parseMembership);
  return mountinfo
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => parseMount(line, own));
}

interface Membership {
  /** Empty for v2. */
  readonly controllers: readonly string[];
  readonly path: string;
}

/** `4:memory:/path`, or `0::/path` for v2. */
function parseMembership(line: string): Membership {
  const [, controllers = '', ...path] = line.split(':');
  return { controllers: controllers.split(',').filter(Boolean), path: path.join(':') };
}

/** `36 35 0:30 /root /mount/point rw - cgroup cgroup rw,memory` */
function parseMount(line: string, own: readonly Membership[]): CgroupMount[] {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root = '/', mountPoint = ''] = before.split(' ');
  const [type, , options = ''] = after.split(' ');
  if (type !== 'cgroup' && type !== 'cgroup2') return [];
  const names = options.split(',');
  const membership = own.find(({ controllers }) =>
    type === 'cgroup2' ? controllers.length === 0 : controllers.some((name) => names.includes(name)),
  );
  if (membership === undefined) return [];
  return [
    {
      version: type === 'cgroup2' ? 2 : 1,
      controllers: type === 'cgroup2' ? [] : membership.controllers,
      ownFolder: join(mountPoint, pathBelow(root, membership.path)),
    },
  ];
}

/** In a container the mount shows only a part of the hierarchy, and membership is told from the root of the whole. */
function pathBelow(root: string, path: string): string {
  const below = relative(root, path);
  return below.startsWith('..') ? path : below;
}
