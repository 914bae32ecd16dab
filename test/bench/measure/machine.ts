/** The machine and the programs that a benchmark ran on, so that a reader can tell how far its figures carry. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, version } from 'node:os';
import { resolve } from 'node:path';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly distribution: string;
  readonly disk: string;
  readonly programs: Readonly<Record<string, string>>;
}

/** Each program with the argument that makes it say its version. */
const PROGRAMS: readonly (readonly [name: string, command: string, argument: string])[] = [
  ['openssh', 'ssh', '-V'],
  ['rsync', 'rsync', '--version'],
  ['nginx', 'nginx', '-v'],
  ['ansible', 'ansible-playbook', '--version'],
  ['curl', 'curl', '--version'],
  ['openssl', 'openssl', 'version'],
  ['coreutils', 'sha256sum', '--version'],
  ['python', '/usr/bin/python3', '--version'],
  ['bubblewrap', 'bwrap', '--version'],
  ['git', 'git', '--version'],
];

/** `folder` is where everything is written. */
export function describeMachine(folder: string): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${release()} ${version()}`,
    distribution: distribution(),
    disk: diskOf(folder, readFileSync('/proc/self/mounts', 'utf8')),
    programs: Object.fromEntries([
      ['node', process.version],
      ...PROGRAMS.map(([name, command, argument]) => [name, versionOf(command, argument)]),
    ]),
  };
}

/** Processes that want to run, over the last minute, for each core. */
export function loadPerCore(): number {
  return (loadavg()[0] ?? 0) / Math.max(1, cpus().length);
}

/** `ext4 (rw,discard)` of the mount that holds the folder. */
export function diskOf(folder: string, mounts: string): string {
  const path = `${resolve(folder)}/`;
  const holding = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at = '']) => at !== '' && path.startsWith(at === '/' ? '/' : `${at}/`))
    .toSorted((a, b) => (a[1]?.length ?? 0) - (b[1]?.length ?? 0))
    .at(-1);
  return holding ? `${holding[2]} (${holding[3]})` : 'unknown';
}

function distribution(): string {
  const [, name] = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
  return name ?? 'unknown';
}

/** The first line of what it says; some say it on stderr. */
function versionOf(command: string, argument: string): string {
  try {
    const text = execFileSync('/bin/sh', ['-c', `"${command}" ${argument} 2>&1`], { encoding: 'utf8' });
    return text.split('\n')[0]?.trim() ?? '';
  } catch {
    return 'missing'; // the figures that need it say so, too
  }
}
