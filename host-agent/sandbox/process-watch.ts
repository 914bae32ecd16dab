/** Reading and signalling processes through `/proc`: what bubblewrap and Node do not tell us. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf } from '../../shared/errors.ts';

/** One process for good: a pid is given out again, a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTicks: string;
}

/** The running process that has `pid` now, or undefined. */
export function identify(pid: number): ProcessIdentity | undefined {
  const status = statusOf(pid);
  return status === undefined || isDead(status.state) ? undefined : { pid, startTicks: status.startTicks };
}

/** Whether the process still runs. A zombie does not: it has released everything and, as a namespace's first, outlived all others. */
export function isRunning({ pid, startTicks }: ProcessIdentity): boolean {
  const status = statusOf(pid);
  return status !== undefined && status.startTicks === startTicks && !isDead(status.state);
}

/** Zombie, or about to vanish. */
function isDead(state: string): boolean {
  return state === 'Z' || state === 'X';
}

/** Signals exactly this process; nothing if it has ended. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (isRunning(identity)) sendSignal(identity.pid, signal);
}

/** Signals a process, or with `-pid` a process group. One that has just ended is no error, nor one that became another user's. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCodeOf(error) !== 'ESRCH' && systemCodeOf(error) !== 'EPERM') throw error;
  }
}

/** Pids of the running processes of a process group. */
export function processesOfGroup(groupId: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid)) return false;
      const status = statusOf(pid);
      return status?.groupId === groupId && !isDead(status.state);
    });
}

/** Resolves when `isOver` says so, at most an eighth too late: most ends are a matter of microseconds. Never gives up. */
export async function waitUntil(isOver: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isOver(); ) {
    const waitMs = Math.min(1 + Math.floor(waitedMs / 8), 50);
    await delay(waitMs);
    waitedMs += waitMs;
  }
}

/**
 * Descriptors above 2 that a child of this process would inherit. Node opens its own with close-on-exec, so these come
 * from whoever started the agent.
 */
export function inheritableDescriptors(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd > 2 && isInheritable(fd));
}

const CLOSE_ON_EXEC = 0o2000000;

function isInheritable(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return (
      flags !== undefined &&
      (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0 &&
      readlinkSync(`/proc/self/fd/${fd}`) !== ''
    );
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return false; // closed meanwhile: the listing's own descriptor
  }
}

/** State letter, process group and start time of proc_pid_stat(5). The name may hold spaces and brackets, so count from the last one. */
function statusOf(pid: number): { state: string; groupId: number; startTicks: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', groupId: Number(fields[2]), startTicks: fields[19] ?? '' };
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return undefined; // ended
  }
}
