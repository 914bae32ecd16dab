import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { endAbandonedRuns } from './abandoned-runs.ts';
import { findSystemProgram, type LaunchPrograms, SYSTEM_PROGRAM_FOLDERS } from './launch-chain.ts';
import { DEFAULT_USER_RANGE, type UserRange } from './sandbox-user.ts';

/** A bubblewrap that was seen to isolate on this host. */
export interface BubblewrapSandbox {
  readonly kind: 'bubblewrap';
  readonly version: string;
  readonly programs: LaunchPrograms & { readonly bwrap: string };
  /** Users for runs of an agent that is root. */
  readonly users: UserRange;
}

/** No confinement, only limits and another user: for hosts without bubblewrap where the policy allows `sandbox: none`. */
export interface NoSandbox {
  readonly kind: 'none';
  readonly programs: LaunchPrograms;
  readonly users: UserRange;
}

export type Sandbox = BubblewrapSandbox;

export interface DetectOptions {
  readonly users?: UserRange;
  /** Where bubblewrap and the launch programs are looked up; whoever can write there can act as the agent. */
  readonly programFolders?: readonly string[];
}

const run = promisify(execFile);
const PROBE_MS = 10_000;

/** First version with `--disable-userns`, which an agent without root relies on. */
const LEAST_VERSION = [0, 8, 0];

/**
 * The sandbox of this host, or undefined when there is none that works: bubblewrap or a launch program is missing,
 * bubblewrap is older than 0.8.0, or it cannot make its namespaces here. Then a check is BLOCKED. Whatever the answer, it first ends what killed agents
 * have left.
 */
export async function detectSandbox(options: DetectOptions = {}): Promise<BubblewrapSandbox | undefined> {
  await endAbandonedRuns();
  const folders = options.programFolders ?? SYSTEM_PROGRAM_FOLDERS;
  const launch = detectLaunchPrograms(folders);
  const bwrap = findSystemProgram('bwrap', folders);
  if (launch === undefined || bwrap === undefined) return undefined;
  const version = await versionOf(bwrap);
  if (version === undefined || !isRecent(version) || !(await isolates(bwrap))) return undefined;
  return {
    kind: 'bubblewrap',
    version,
    programs: { ...launch, bwrap },
    users: options.users ?? DEFAULT_USER_RANGE,
  };
}

/** What `runUnconfined` needs, or undefined when util-linux or coreutils are missing. */
export function detectNoSandbox(options: DetectOptions = {}): NoSandbox | undefined {
  const programs = detectLaunchPrograms(options.programFolders ?? SYSTEM_PROGRAM_FOLDERS);
  return programs && { kind: 'none', programs, users: options.users ?? DEFAULT_USER_RANGE };
}

function detectLaunchPrograms(folders: readonly string[]): LaunchPrograms | undefined {
  const [prlimit, setpriv, env] = ['prlimit', 'setpriv', 'env'].map((name) => findSystemProgram(name, folders));
  return prlimit && setpriv && env ? { prlimit, setpriv, env } : undefined;
}

async function versionOf(bwrap: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(bwrap, ['--version'], { env: {}, timeout: PROBE_MS });
    return /^bubblewrap (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined; // a program that cannot tell its version is not one to rely on
  }
}

function isRecent(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of LEAST_VERSION.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

/** A pid of at most 2 from inside says that the namespace is real: bubblewrap's own process is 1. */
async function isolates(bwrap: string): Promise<boolean> {
  const readlink = findSystemProgram('readlink', SYSTEM_PROGRAM_FOLDERS);
  if (readlink === undefined) return false;
  try {
    const { stdout } = await run(
      bwrap,
      [
        '--unshare-all',
        '--die-with-parent',
        '--ro-bind',
        '/',
        '/',
        '--dev',
        '/dev',
        '--proc',
        '/proc',
        '--',
        readlink,
        '/proc/self',
      ],
      { env: {}, timeout: PROBE_MS },
    );
    return Number(stdout) <= 2 && stdout.trim() !== '';
  } catch {
    return false; // whatever keeps it from making namespaces here, the answer is the same
  }
}
