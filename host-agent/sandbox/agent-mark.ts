import { readlinkSync } from 'node:fs';
import { identify, isRunning } from './process-watch.ts';

/** Name of the variable that bubblewrap itself is told to set; it stands in its command line, and no payload inherits it. */
export const AGENT_MARK = 'KEYTURN_AGENT';

/** Which agent started a run: `<pid namespace>-<pid>-<start>`, once in the time that a host is up. */
export function markOfThisAgent(): string {
  const self = identify(process.pid);
  return `${pidNamespace()}-${process.pid}-${self?.startTicks}`;
}

/**
 * Whether the agent that `mark` names is no more. False for an agent of another pid namespace, whose processes cannot be
 * told from here, and for what is no mark.
 */
export function isOfDeadAgent(mark: string): boolean {
  const [, namespace, pid, startTicks] = /^(\d+)-(\d+)-(\d+)$/.exec(mark) ?? [];
  if (namespace !== pidNamespace() || pid === undefined || startTicks === undefined) return false;
  return !isRunning({ pid: Number(pid), startTicks });
}

function pidNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
}
