/** Where a thread begins: does one job after the other as they come, until it is ended. */
import { parentPort } from 'node:worker_threads';
import { packError } from './carried-error.ts';
import { DISK_JOBS, type DiskJobName } from './jobs.ts';
import type { FromThread, ToThread } from './messages.ts';

const port = parentPort;
if (!port) throw new Error('a disk thread was started as a program');

const running = new Map<number, AbortController>();

port.on('message', (message: ToThread) => {
  if (message.type === 'abort') running.get(message.id)?.abort();
  else void run(message);
});

async function run({ id, name, input }: Extract<ToThread, { type: 'run' }>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    answer({ type: 'done', id, output: await jobNamed(name)(input, controller.signal) });
  } catch (error) {
    answer({ type: 'failed', id, error: packError(error) });
  } finally {
    running.delete(id);
  }
}

/** The pool pairs each name with its own input. */
function jobNamed(name: DiskJobName): (input: unknown, signal: AbortSignal) => Promise<unknown> {
  return DISK_JOBS[name] as (input: unknown, signal: AbortSignal) => Promise<unknown>;
}

function answer(message: FromThread): void {
  port?.postMessage(message);
}
