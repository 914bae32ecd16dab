/**
 * Ends what an agent left that was killed. A run in bubblewrap dies with its agent, but for these moments: the first
 * process of its namespace is born without a parent-death signal, and sets one only when it is about to start the payload.
 * Until then it may wait for ever for a parent that is no more. A run without a sandbox does not die with its agent at all.
 *
 * A process is ended only if it is in a group that a dead agent made, or if it has our own user and its command line says
 * that a dead agent started it; by its pid and start time, so that nobody else who got the pid is met.
 */
import { readFileSync } from 'node:fs';
import { AGENT_MARK, isOfDeadAgent } from './agent-mark.ts';
import { identify, isRunning, type ProcessIdentity, signalProcess, waitUntil } from './process-watch.ts';
import { membersOfAbandonedGroups, removeAbandonedGroups } from './resource-group.ts';
import { processesOfUser } from './sandbox-user.ts';

/** A killed process ends within milliseconds, but for one that waits for a dead disk; no agent waits for that to start. */
const END_MS = 2000;

/** Ends the runs of agents that are no more, and removes their groups. Runs of live agents are left alone. */
export async function endAbandonedRuns(): Promise<void> {
  const marked = processesOfUser(process.getuid?.() ?? 0).flatMap(abandonedRun);
  const left = [...marked, ...membersOfAbandonedGroups().flatMap((pid) => identify(pid) ?? [])];
  for (const identity of left) signalProcess(identity, 'SIGKILL');
  const deadline = performance.now() + END_MS;
  await waitUntil(() => performance.now() > deadline || !left.some(isRunning));
  removeAbandonedGroups();
}

function abandonedRun(pid: number): ProcessIdentity[] {
  // The identity comes first: should the pid be given to somebody else meanwhile, nothing happens to them.
  const identity = identify(pid);
  const mark = markIn(commandLineOf(pid));
  return identity !== undefined && mark !== undefined && isOfDeadAgent(mark) ? [identity] : [];
}

/** Of the words before bubblewrap's `--`: those behind it are the plan's. */
function markIn(words: readonly string[]): string | undefined {
  const own = words.slice(0, words.indexOf('--'));
  const at = own.indexOf(AGENT_MARK);
  return own[at - 1] === '--setenv' ? own[at + 1] : undefined;
}

function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended
  }
}
