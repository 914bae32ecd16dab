/**
 * Every process that the benchmark has started and that has not ended. Whoever is told to stop ends them all, and from
 * then on none can be started: what is under way fails at its next step instead of leaving something behind.
 */
import type { ChildProcess } from 'node:child_process';

interface Started {
  readonly child: ChildProcess;
  /** Of a command: what it has started in turn is ended with it. */
  readonly isGroup: boolean;
}

const started = new Set<Started>();
let isEnding = false;

/** Starts a process and remembers it until it ends. Errors: `Error` once the benchmark is ending. */
export function startProcess(start: () => ChildProcess, { isGroup = false }: { isGroup?: boolean } = {}): ChildProcess {
  if (isEnding) throw new Error('the benchmark was told to stop');
  const process_ = { child: start(), isGroup };
  started.add(process_);
  const forget = () => started.delete(process_);
  process_.child.once('exit', forget);
  process_.child.once('error', forget);
  return process_.child;
}

/** Ends all of them and waits until they are gone. */
export async function endStartedProcesses(): Promise<void> {
  isEnding = true;
  const left = [...started];
  const gone = left.map(({ child }) => new Promise((resolve) => child.once('exit', resolve)));
  left.forEach(endProcess);
  await Promise.all(gone);
}

/** At once, and with all that it has started if it is a group. */
export function endProcess({ child, isGroup }: Started): void {
  if (child.pid === undefined) return;
  try {
    process.kill(isGroup ? -child.pid : child.pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}
