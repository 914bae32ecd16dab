import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { environmentOf, type SandboxSpec } from './spec.ts';

/** Absolute paths of the programs that start a process; each does one thing and then becomes the next. */
export interface LaunchPrograms {
  readonly prlimit: string;
  readonly setpriv: string;
  readonly env: string;
}

export interface ChainOptions {
  /** The user to become, or undefined to stay. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /**
   * Whether a cgroup bounds memory. If so no address space limit is set, as that breaks runtimes that reserve much and
   * use little.
   */
  readonly isGrouped: boolean;
  /** RLIMIT_NPROC, which counts all threads of the user; undefined where a cgroup alone is to count. */
  readonly userThreadCount: number | undefined;
}

/** Looked up in this order and nowhere else: the agent's PATH has no say in what runs as root. */
export const SYSTEM_PROGRAM_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];

/**
 * `prlimit … setpriv … env -i NAME=value … program argument…`: limits, then privileges, then the environment.
 *
 * The environment comes last because it is the plan's: a plan's LD_PRELOAD must not be loaded into a program that
 * still has rights of its own.
 */
export function launchChain(spec: SandboxSpec, programs: LaunchPrograms, options: ChainOptions): string[] {
  return [
    programs.prlimit,
    ...resourceLimits(spec, options),
    '--',
    ...(options.user === undefined ? [] : dropPrivileges(programs.setpriv, options.user)),
    programs.env,
    '-i',
    ...Object.entries(environmentOf(spec)).map(([name, value]) => `${name}=${value}`),
    ...spec.argv,
  ];
}

/** Absolute path of a program in the first of `folders` that has it, or undefined. */
export function findSystemProgram(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutableFile);
}

/** Why the plan's program cannot be started, or undefined if it seems it can. Looks at the host, not into the sandbox. */
export function missingProgram(spec: SandboxSpec): string | undefined {
  const [program] = spec.argv;
  const searched = environmentOf(spec).PATH?.split(':') ?? [];
  const candidates = program.includes('/')
    ? [isAbsolute(program) ? program : join(spec.cwd, program)]
    : searched.map((folder) => join(isAbsolute(folder) ? folder : join(spec.cwd, folder), program));
  return candidates.some((path) => existsSync(path)) ? undefined : `cannot find program "${program}"`;
}

function dropPrivileges(setpriv: string, { uid, gid }: { uid: number; gid: number }): string[] {
  return [
    setpriv,
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--no-new-privs',
    '--inh-caps=-all',
    '--ambient-caps=-all',
    '--bounding-set=-all',
    '--',
  ];
}

function resourceLimits(spec: SandboxSpec, options: ChainOptions): string[] {
  const { limits } = spec;
  const ceilings = hardLimits();
  const flag = (name: string, resource: string, value: number): string => {
    const lowest = Math.min(value, ceilings.get(resource) ?? Number.POSITIVE_INFINITY);
    return `--${name}=${lowest}:${lowest}`;
  };
  // The hard limit lies a second above, so that SIGXCPU tells what happened before SIGKILL would hide it.
  const cpuCeiling = ceilings.get('Max cpu time') ?? Number.POSITIVE_INFINITY;
  const cpu = Math.min(limits.cpuSeconds, cpuCeiling);
  return [
    // Not 0: a host that pipes core dumps to a program ignores 0, and would keep a payload's memory, secrets and all. At
    // 1 the kernel makes no dump of either kind (coredump_pipe() in fs/coredump.c).
    flag('core', 'Max core file size', 1),
    `--cpu=${cpu}:${Math.min(cpu + 1, cpuCeiling)}`,
    flag('fsize', 'Max file size', limits.fileBytes),
    ...(options.userThreadCount === undefined ? [] : [flag('nproc', 'Max processes', options.userThreadCount)]),
    ...(options.isGrouped ? [] : [flag('as', 'Max address space', limits.memoryBytes)]),
  ];
}

/** The agent's own hard limits: asking for more would fail, and a lower bound than asked for is the host's will. */
function hardLimits(): Map<string, number> {
  const lines = readFileSync('/proc/self/limits', 'utf8').split('\n').slice(1);
  return new Map(
    lines.flatMap((line): [string, number][] => {
      const columns = /^(.+?)\s{2,}(\S+)\s+(\d+)\b/.exec(line);
      return columns?.[1] === undefined ? [] : [[columns[1], Number(columns[3])]];
    }),
  );
}

/** Whether a file stands at `path` that this process could start. */
export function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // absent or not executable: both mean that this host does not offer it here
  }
}
