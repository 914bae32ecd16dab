/**
 * Whether checks can run on this host: a real process in a real sandbox, and what bounds it. Not by `detectSandbox`, which also
 * ends what killed agents have left: a doctor changes nothing.
 */
import { accessSync, constants } from 'node:fs';
import { isInRange } from '../../../shared/release/version-range.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { findSystemProgram, SYSTEM_PROGRAM_FOLDERS } from '../../sandbox/launch-chain.ts';
import {
  detectNoSandbox,
  type NoSandbox,
  type ProcessOutcome,
  runInSandbox,
  runUnconfined,
  type SandboxSpec,
} from '../../sandbox/sandbox.ts';
import { loadLastPolicy } from '../../trust/policy.ts';
import type { DoctorContext } from './doctor-context.ts';

/** The same as `detectSandbox` demands. */
const VERSIONS = '>=0.8.0';

const MIB = 1024 * 1024;
const LIMITS: SandboxSpec['limits'] = {
  wallMs: 800,
  cpuSeconds: 1,
  memoryBytes: 256 * MIB,
  processCount: 16,
  fileBytes: MIB,
  outputBytes: 16 * 1024,
  tmpBytes: MIB,
  killGraceMs: 0,
};

export async function examineSandbox(context: DoctorContext, signal: AbortSignal): Promise<Diagnosis[]> {
  const folders = context.programFolders ?? SYSTEM_PROGRAM_FOLDERS;
  const launch = detectNoSandbox({ programFolders: folders });
  if (launch === undefined) {
    const statement = 'prlimit, setpriv or env is missing: no program of a plan can be started';
    return [{ level: 'trouble', statement, ...installing('util-linux coreutils') }];
  }
  const bwrap = findSystemProgram('bwrap', folders);
  if (bwrap === undefined) return [await withoutSandbox('there is no bubblewrap', context, installing('bubblewrap'))];
  const version = await versionOf(bwrap, { launch, context, signal });
  if (version === undefined) return [await withoutSandbox(`${bwrap} does not tell its version`, context)];
  if (!isInRange(version, VERSIONS)) {
    return [await withoutSandbox(`bubblewrap ${version}: expected ${VERSIONS}`, context, installing('bubblewrap'))];
  }
  const programs = { ...launch.programs, bwrap };
  const spec = specOf(['true'], { context, signal });
  const outcome = await runInSandbox(spec, { kind: 'bubblewrap', version, programs, users: launch.users });
  const { ended } = outcome;
  if (ended.by === 'exit' && ended.code === 0) {
    return [{ level: 'ok', statement: `bubblewrap ${version} has confined a process` }, ...boundsOf(outcome)];
  }
  return [await withoutSandbox(`bubblewrap ${version} has confined nothing: ${endText(outcome)}`, context)];
}

async function versionOf(
  bwrap: string,
  { launch, ...rest }: { launch: NoSandbox; context: DoctorContext; signal: AbortSignal },
): Promise<string | undefined> {
  const { stdout } = await runUnconfined(specOf([bwrap, '--version'], rest), launch);
  return /^bubblewrap (\d+\.\d+\.\d+)/.exec(stdout.text)?.[1];
}

/** `/usr` stands for an installed tree: every host has it, and everybody may read it. */
function specOf(
  argv: SandboxSpec['argv'],
  { context, signal }: { context: DoctorContext; signal: AbortSignal },
): SandboxSpec {
  const { stateDirectory } = context;
  return {
    argv,
    tree: '/usr',
    cwd: '/usr',
    network: 'none',
    hidden: [stateDirectory],
    limits: LIMITS,
    fd3: 'closed',
    signal,
  };
}

/** What the policy that this host saw last makes of it; without one it is as if it were demanded. */
async function withoutSandbox(
  reason: string,
  { journal }: DoctorContext,
  mending: Pick<Diagnosis, 'mend'> = {},
): Promise<Diagnosis> {
  const policy = await journal.read(loadLastPolicy);
  if ('found' in policy && policy.found?.sandbox === 'optional') {
    return { level: 'warning', statement: `${reason}: checks run unconfined, as the policy allows`, ...mending };
  }
  return { level: 'trouble', statement: `${reason}: checks that run a program are BLOCKED`, ...mending };
}

function boundsOf({ sandbox }: ProcessOutcome): Diagnosis[] {
  const limits: Diagnosis =
    sandbox.limits === 'rlimit'
      ? {
          level: 'warning',
          statement:
            'memory and processes: bounded for each process alone, as no cgroup could be made from here; a unit of systemd needs Delegate=memory pids',
        }
      : { level: 'ok', statement: `memory and processes: bounded for a run as a whole, by ${sandbox.limits}` };
  const isFiltered = sandbox.kind === 'bubblewrap' && sandbox.syscalls === 'filtered';
  const syscalls: Diagnosis = isFiltered
    ? { level: 'ok', statement: 'system calls: filtered' }
    : { level: 'warning', statement: `system calls: there is no filter for ${process.arch}` };
  return [limits, syscalls];
}

function endText({ ended, stderr }: ProcessOutcome): string {
  switch (ended.by) {
    case 'exit':
      return `exit ${ended.code}: ${stderr.text.trim()}`;
    case 'signal':
      return `signal ${ended.signal}`;
    case 'limit':
      return `limit ${ended.limit}`;
    case 'aborted':
      return 'aborted';
    case 'not-started':
      return ended.reason;
  }
}

/** Package managers, by where they stand. */
const INSTALLERS: readonly (readonly [string, string])[] = [
  ['/usr/bin/apt-get', 'apt-get install'],
  ['/usr/bin/dnf', 'dnf install'],
  ['/usr/bin/zypper', 'zypper install'],
  ['/usr/bin/pacman', 'pacman -S'],
  ['/sbin/apk', 'apk add'],
];

function installing(packages: string): Pick<Diagnosis, 'mend'> {
  const installer = INSTALLERS.find(([path]) => isExecutable(path));
  return installer === undefined ? {} : { mend: `${installer[1]} ${packages}` };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not that kind of system
  }
}
