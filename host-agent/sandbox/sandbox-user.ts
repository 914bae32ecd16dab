import { readdirSync, readFileSync } from 'node:fs';
import { systemCodeOf, TransientError } from '../../shared/errors.ts';

/** User ids for runs of an agent that is root; each run takes one, group id alike. */
export interface UserRange {
  readonly first: number;
  readonly count: number;
}

/** Assigned to nobody by systemd's table of ids, below its dynamic users, and inside the 65,536 ids that a container has. */
export const DEFAULT_USER_RANGE: UserRange = { first: 60578, count: 606 };

/** The user that one run becomes. */
export interface RunUser {
  readonly uid: number;
  readonly gid: number;
  /** Whether every process of this user belongs to this run. */
  readonly isReserved: boolean;
  /** Gives a reserved user free. Call when the last process is gone. */
  release(): void;
}

/** A user that others may have as well. */
export function sharedUser({ uid, gid }: { uid: number; gid: number }): RunUser {
  return { uid, gid, isReserved: false, release: () => undefined };
}

const reserved = new Set<number>();
let turn = Math.floor(Math.random() * DEFAULT_USER_RANGE.count);

/**
 * A user id that no live process and no other run has, so that RLIMIT_NPROC and "kill all of this user" mean this run
 * alone. Hold it until the last process is gone. Throws `TransientError` when all are taken.
 */
export function reserveUser(range: UserRange): RunUser {
  const alive = usersOfLiveProcesses();
  for (let tried = 0; tried < range.count; tried++) {
    const uid = range.first + (turn++ % range.count);
    if (alive.has(uid) || reserved.has(uid)) continue;
    reserved.add(uid);
    return { uid, gid: uid, isReserved: true, release: () => void reserved.delete(uid) };
  }
  throw new TransientError(`cannot reserve a user id: all ${range.count} from ${range.first} on are in use`);
}

/** The agent's own user. */
export function ownUser(): RunUser {
  return sharedUser({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
}

/** Threads that a user has apart from a run that is about to start: they count against its RLIMIT_NPROC. */
export function otherThreadsOf({ uid, isReserved }: RunUser): number {
  if (isReserved) return 0;
  return processesOfUser(uid).reduce((count, pid) => count + threadsOf(pid), 0);
}

/** Pids of the running processes of a user. */
export function processesOfUser(uid: number): number[] {
  return livePids().filter((pid) => ownerOf(pid) === uid);
}

function usersOfLiveProcesses(): Set<number> {
  return new Set(livePids().flatMap((pid) => ownerOf(pid) ?? []));
}

function livePids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/**
 * The real user of a running process, or undefined. Not the owner of its folder in `/proc`: that is root for a process
 * which forbade being dumped, and so could hide from its killer.
 */
function ownerOf(pid: number): number | undefined {
  const status = statusOf(pid);
  if (/^State:\s+[ZX]/m.test(status)) return undefined;
  const uid = /^Uid:\s+(\d+)/m.exec(status)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

function threadsOf(pid: number): number {
  return Number(/^Threads:\s+(\d+)/m.exec(statusOf(pid))?.[1] ?? 0);
}

/** proc_pid_status(5); empty for a process that has ended. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return '';
  }
}
