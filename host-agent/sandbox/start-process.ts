import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { messageOf } from '../../shared/errors.ts';
import { inheritableDescriptors } from './process-watch.ts';

export interface StartOptions {
  readonly cwd: string;
  /** What each descriptor from 0 on is. */
  readonly stdio: readonly ('ignore' | 'pipe')[];
}

/**
 * Starts a program in its own session with an empty environment and exactly the descriptors named. Resolves with a
 * reason when the system refuses (no such program, no such folder, no more processes).
 */
export async function startProcess(argv: readonly string[], options: StartOptions): Promise<ChildProcess | string> {
  const [program = '', ...rest] = argv;
  const emptyFile = openSync('/dev/null', 'r');
  try {
    // A descriptor that the agent itself inherited would pass through to the payload: /dev/null takes its number.
    const stdio: ('ignore' | 'pipe' | number)[] = [...options.stdio];
    for (const fd of inheritableDescriptors()) {
      while (stdio.length <= fd) stdio.push('ignore');
      if (stdio[fd] === 'ignore') stdio[fd] = emptyFile;
    }
    const child = spawn(program, rest, { cwd: options.cwd, env: {}, stdio, detached: true });
    const failure = await new Promise<Error | undefined>((resolve) => {
      child.once('spawn', () => resolve(undefined));
      child.once('error', resolve);
    });
    return failure === undefined ? child : messageOf(failure);
  } catch (error) {
    return messageOf(error);
  } finally {
    closeSync(emptyFile);
  }
}
