/** A relay in a process of its own, so that it takes no time from either side of what is measured. */
import { type ChildProcess, fork, type StdioOptions } from 'node:child_process';
import { join } from 'node:path';
import { startProcess } from './started-processes.ts';

/** What passed within one millisecond. */
export interface Passed {
  /** Since 1970. */
  readonly atMs: number;
  /** `up`: from whoever dialed the relay. */
  readonly direction: 'up' | 'down';
  bytes: number;
}

export class RelayProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(to: { port: number; delayMs: number }): Promise<RelayProcess> {
    const argv = ['127.0.0.1', String(to.port), String(to.delayMs)];
    const stdio: StdioOptions = ['ignore', 'ignore', 'inherit', 'ipc'];
    const child = startProcess(() => fork(join(import.meta.dirname, 'relay.ts'), argv, { stdio }));
    const { port } = await answerOf<{ port: number }>(child);
    return new RelayProcess(child, port);
  }

  /** Everything that has passed so far. */
  async passed(): Promise<Passed[]> {
    const answer = answerOf<{ passed: Passed[] }>(this.#child);
    this.#child.send('passed');
    return (await answer).passed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await gone;
  }
}

/** Bytes that passed within the given instants, both included. */
export function bytesBetween(passed: readonly Passed[], { fromMs, toMs }: { fromMs: number; toMs: number }) {
  const within = passed.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  const sum = (direction: Passed['direction']) =>
    within.filter((row) => row.direction === direction).reduce((bytes, row) => bytes + row.bytes, 0);
  return { up: sum('up'), down: sum('down') };
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the relay ended with exit ${code}`)));
    child.once('message', (message) => resolve(message as T));
  });
}
