/**
 * Threads for what reads or hashes many bytes, so that the event loop stays free for a kill and the second processor has
 * something to do. They start with the first job, as many as the machine has processors, and end when none has come
 * for a while: an agent that waits costs no more than it did.
 *
 * 1. A job ends with its output, its error or its signal's reason; a thread that dies ends its jobs with `TransientError`.
 * 2. A waiting thread keeps no program from ending.
 */
import { availableParallelism } from 'node:os';
import { type Transferable, Worker } from 'node:worker_threads';
import { messageOf, TransientError } from '../../errors.ts';
import { unpackError } from './carried-error.ts';
import { DISK_JOBS, type DiskJobInput, type DiskJobName, type DiskJobOutput } from './jobs.ts';
import type { FromThread } from './messages.ts';

const IDLE_MS = 2_000;

/** The bundle holds the thread's code beside its own. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './disk-thread.ts' : './disk-thread.mjs',
  import.meta.url,
);

export interface DiskJobOptions {
  readonly signal?: AbortSignal | undefined;
  /** Parts of the input that the thread takes over. */
  readonly transfer?: readonly Transferable[];
}

/** About what this thread reads and hashes in the time that another takes to start. */
const SMALL_JOB_BYTES = 16 * 1024 * 1024;
/** Opening and closing a file takes as long as hashing this much. */
const FILE_COST_BYTES = 64 * 1024;

/** Does a job here when it is small, in a thread when it is not. Errors: those of the job. */
export async function doDiskJob<N extends DiskJobName>(
  name: N,
  input: DiskJobInput<N>,
  { files, bytes, signal }: { files: number; bytes: number; signal: AbortSignal },
): Promise<DiskJobOutput<N>> {
  if (bytes + files * FILE_COST_BYTES > SMALL_JOB_BYTES) return inDiskThread(name, input, { signal });
  const job = DISK_JOBS[name] as (input: DiskJobInput<N>, signal: AbortSignal) => Promise<DiskJobOutput<N>>;
  return job(input, signal);
}

/** Does a job in the thread that has least to do. Errors: those of the job. */
export async function inDiskThread<N extends DiskJobName>(
  name: N,
  input: DiskJobInput<N>,
  options: DiskJobOptions = {},
): Promise<DiskJobOutput<N>> {
  options.signal?.throwIfAborted();
  return leastBusy().run(name, input, options);
}

/** Ends every thread; a later job starts them again. For programs that measure themselves. */
export async function endDiskThreads(): Promise<void> {
  await Promise.all([...threads].map((thread) => thread.end()));
}

const threads = new Set<DiskThread>();

function leastBusy(): DiskThread {
  const [first] = [...threads].sort((a, b) => a.jobCount - b.jobCount);
  if (first && (first.jobCount === 0 || threads.size >= availableParallelism())) return first;
  const started = new DiskThread(() => threads.delete(started));
  threads.add(started);
  return started;
}

interface PendingJob {
  readonly resolve: (output: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
}

class DiskThread {
  readonly #worker = new Worker(THREAD_FILE, { name: 'disk' });
  readonly #jobs = new Map<number, PendingJob>();
  readonly #onEnd: () => void;
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#worker.unref();
    this.#worker.on('message', (message: FromThread) => this.#settle(message));
    this.#worker.on('error', (cause) => this.#died(cause));
    this.#worker.on('exit', () => this.#died(undefined));
  }

  get jobCount(): number {
    return this.#jobs.size;
  }

  run<N extends DiskJobName>(name: N, input: DiskJobInput<N>, options: DiskJobOptions): Promise<DiskJobOutput<N>> {
    clearTimeout(this.#idle);
    this.#worker.ref();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const { signal, transfer = [] } = options;
      const onAbort = () => this.#worker.postMessage({ type: 'abort', id });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#jobs.set(id, { resolve: resolve as (output: unknown) => void, reject, signal, onAbort });
      this.#worker.postMessage({ type: 'run', id, name, input }, transfer);
    });
  }

  async end(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker.terminate();
  }

  #settle(message: FromThread): void {
    const job = this.#jobs.get(message.id);
    if (!job) return;
    this.#jobs.delete(message.id);
    job.signal?.removeEventListener('abort', job.onAbort);
    if (this.#jobs.size === 0) this.#becomeIdle();
    if (message.type === 'done') job.resolve(message.output);
    else job.reject(job.signal?.aborted ? job.signal.reason : unpackError(message.error));
  }

  #becomeIdle(): void {
    this.#worker.unref();
    this.#idle = setTimeout(() => void this.end(), IDLE_MS).unref();
  }

  #died(cause: unknown): void {
    clearTimeout(this.#idle);
    this.#onEnd();
    for (const { reject, signal, onAbort } of this.#jobs.values()) {
      signal?.removeEventListener('abort', onAbort);
      reject(new TransientError(`failed to finish work on files: a thread ended (${messageOf(cause)})`, { cause }));
    }
    this.#jobs.clear();
  }
}
