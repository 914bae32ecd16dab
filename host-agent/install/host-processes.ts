/** Processes of this host that refer to a path, from /proc. Arguments are looked at, never kept: they may hold secrets (P7). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { systemCodeOf, TransientError } from '../../shared/errors.ts';
import { mentions } from './mentions.ts';

export interface ReferringProcess {
  readonly pid: number;
  /** The program's path, or '' where the kernel does not tell. */
  readonly program: string;
  readonly by: readonly ('program' | 'working-folder' | 'argument')[];
  /** Inodes of its open sockets. */
  readonly sockets: readonly string[];
}

export interface ProcessesSeen {
  readonly lookedAtCount: number;
  /** Of those: the kernel shows program and working folder to their own user and root alone. */
  readonly hiddenCount: number;
  /** In the order of their pids. */
  readonly referring: readonly ReferringProcess[];
}

/** One that ends while it is looked at is left out. Errors: `TransientError` when `procRoot` cannot be read. */
export function processesNaming(paths: readonly string[], procRoot: string): ProcessesSeen {
  const pids = pidsIn(procRoot);
  const referring: ReferringProcess[] = [];
  let hiddenCount = 0;
  for (const pid of pids) {
    const folder = join(procRoot, String(pid));
    const program = programAt(join(folder, 'exe'));
    if (program === undefined) continue;
    if (program === HIDDEN) hiddenCount += 1;
    const found = referringProcess(pid, { folder, program, paths });
    if (found) referring.push(found);
  }
  return { lookedAtCount: pids.length, hiddenCount, referring };
}

function pidsIn(procRoot: string): number[] {
  try {
    const names = readdirSync(procRoot).filter((name) => /^\d+$/.test(name));
    return names.map(Number).sort((a, b) => a - b);
  } catch (cause) {
    throw new TransientError(`failed to list processes in "${procRoot}"`, { cause });
  }
}

function referringProcess(
  pid: number,
  { folder, program, paths }: { folder: string; program: string; paths: readonly string[] },
): ReferringProcess | undefined {
  const by: ReferringProcess['by'][number][] = [];
  if (isBelow(program, paths)) by.push('program');
  if (isBelow(linkAt(join(folder, 'cwd')), paths)) by.push('working-folder');
  if (mentions(contentAt(join(folder, 'cmdline')), paths)) by.push('argument');
  return by.length === 0 ? undefined : { pid, program, by, sockets: socketsOf(folder) };
}

/** The kernel adds ` (deleted)` behind the path of a file that has lost its name. */
function isBelow(path: string, paths: readonly string[]): boolean {
  const plain = path.replace(/ \(deleted\)$/, '');
  return paths.some((above) => plain === above || plain.startsWith(`${above}/`));
}

function socketsOf(folder: string): string[] {
  try {
    const links = readdirSync(join(folder, 'fd')).map((descriptor) => linkAt(join(folder, 'fd', descriptor)));
    return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
  } catch {
    return []; // it has ended, or belongs to a user whose descriptors this agent may not see
  }
}

/** No path begins like this. */
const HIDDEN = '';

/** Undefined: a kernel thread, or one that has ended; either has no folder and no arguments that could refer to anything. */
function programAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    return systemCodeOf(error) === 'EACCES' ? HIDDEN : undefined;
  }
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // it has ended, or is a kernel thread, or belongs to another user
  }
}

function contentAt(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0); // it has ended
  }
}
