/**
 * The only code of the build that starts processes: git, a project's own tests, and probes. Never by a shell.
 *
 * 1. A process gets the environment it is given and nothing of this one's.
 * 2. It leads a group of its own; the whole group is killed when it ends, however it ends.
 * 3. Its output is drained always and kept in part: the last bytes, as a test runner's summary stands at the end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { systemCodeOf } from '../../shared/errors.ts';

export interface CommandRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** How many bytes of each stream are kept. */
  readonly keepBytes: number;
  readonly input?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type CommandEnd =
  | { readonly how: 'exited'; readonly code: number }
  | { readonly how: 'signalled'; readonly signal: string }
  | { readonly how: 'timed-out' }
  | { readonly how: 'aborted' }
  | { readonly how: 'not-started'; readonly reason: string };

export interface CommandResult {
  readonly end: CommandEnd;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Of both streams, kept or not. */
  readonly outputBytes: number;
  /** Whether bytes in front of what was kept are gone. */
  readonly isCut: boolean;
}

/** How long the pipes of a process that is gone may stay open, held by something that left its group. */
const PIPES_GRACE_MS = 500;

/** Runs a command to its end. Never throws for what the command does; `end` says it. */
export async function runCommand(request: CommandRequest): Promise<CommandResult> {
  const child = start(request);
  const [stdout, stderr] = [new Tail(request.keepBytes), new Tail(request.keepBytes)];
  child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
  child.once('exit', () => releasePipes(child));
  const end = await endOf(child, request);
  return {
    end,
    stdout: stdout.finish(),
    stderr: stderr.finish(),
    outputBytes: stdout.totalBytes + stderr.totalBytes,
    isCut: stdout.isCut || stderr.isCut,
  };
}

export interface CommandStream {
  readonly stdout: AsyncIterable<Buffer>;
  /** How the command ended, once `stdout` has been read; with the last of its standard error. */
  ended(): Promise<{ end: CommandEnd; stderr: Buffer }>;
  /** Kills it if it still runs. */
  stop(): void;
}

/** Starts a command whose output is read as it comes, with back-pressure. */
export function streamCommand(request: CommandRequest): CommandStream {
  const child = start(request);
  const stderr = new Tail(request.keepBytes);
  child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
  const end = endOf(child, request);
  return {
    stdout: (child.stdout ?? []) as AsyncIterable<Buffer>,
    ended: async () => ({ end: await end, stderr: stderr.finish() }),
    stop: () => killGroup(child),
  };
}

export function endText(end: CommandEnd): string {
  switch (end.how) {
    case 'exited':
      return `exit ${end.code}`;
    case 'signalled':
      return `signal ${end.signal}`;
    case 'timed-out':
      return 'time limit';
    case 'aborted':
      return 'aborted';
    case 'not-started':
      return `not started: ${end.reason}`;
  }
}

function start({ argv, cwd, env, input }: CommandRequest): ChildProcess {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, { cwd, env, detached: true, shell: false, stdio: ['pipe', 'pipe', 'pipe'] });
  // A command may end without reading its input; that it did not is seen from how it ends.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  return child;
}

function endOf(child: ChildProcess, { timeoutMs, signal }: CommandRequest): Promise<CommandEnd> {
  return new Promise((resolve) => {
    let early: CommandEnd | undefined;
    const stopWith = (end: CommandEnd): void => {
      early ??= end;
      killGroup(child);
    };
    const abort = (): void => stopWith({ how: 'aborted' });
    const timer = setTimeout(() => stopWith({ how: 'timed-out' }), timeoutMs);
    const finish = (end: CommandEnd): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve(early ?? end);
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    child.once('error', (error) => finish({ how: 'not-started', reason: systemCodeOf(error) ?? error.message }));
    child.once('exit', () => killGroup(child));
    child.once('close', (code, name) =>
      finish(code === null ? { how: 'signalled', signal: name ?? 'unknown' } : { how: 'exited', code }),
    );
  });
}

/** A process that has left the group, and with it the pipes' end, cannot hold this one up. */
function releasePipes(child: ChildProcess): void {
  const timer = setTimeout(() => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, PIPES_GRACE_MS);
  child.once('close', () => clearTimeout(timer));
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: nobody is left. EPERM: macOS says so of a group whose processes are all ending.
    if (!['ESRCH', 'EPERM'].includes(systemCodeOf(error) ?? '')) throw error;
  }
}

/** The last bytes of a stream, in bounded memory. */
class Tail {
  readonly #keepBytes: number;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #totalBytes = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  get isCut(): boolean {
    return this.#totalBytes > this.#keepBytes;
  }

  add(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#keptBytes < 2 * this.#keepBytes) return;
    this.#kept = [Buffer.from(this.finish())];
    this.#keptBytes = this.#keepBytes;
  }

  finish(): Buffer {
    const joined = Buffer.concat(this.#kept);
    return joined.subarray(Math.max(0, joined.length - this.#keepBytes));
  }
}
