/** Runs one command to its end and times it: from before it is started until it is gone. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { endProcess, startProcess } from './started-processes.ts';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly expected?: readonly number[];
  readonly timeoutMs?: number;
}

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

const TIMEOUT_MS = 120_000;
/** A connection that a command leaves behind holds the pipes open; nothing more comes from them. */
const DRAIN_MS = 100;

/**
 * The environment of everything that is started, on both sides: a plain one. Node reads a file of certificates at
 * each start when `NODE_EXTRA_CA_CERTS` is set, which would be measured, too.
 */
export function plainEnvironment(home: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    TMPDIR: home,
    SHLVL: '1',
  };
}

/** Errors: `Error` when it ends with none of `expected` or not in time; its whole process group is ended then. */
export async function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<Finished> {
  const { expected = [0], timeoutMs = TIMEOUT_MS } = options;
  const startedAtMs = performance.now();
  const child = start(argv, options);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const timer = setTimeout(() => endProcess({ child, isGroup: true }), timeoutMs);
  const status = await exitOf(child).finally(() => clearTimeout(timer));
  const ms = performance.now() - startedAtMs;
  const finished = { status: status ?? -1, stdout: await stdout(), stderr: await stderr(), ms };
  if (status !== null && expected.includes(status)) return finished;
  const ended = status === null ? `was ended after ${Math.round(ms)} ms` : `ended with exit ${status}`;
  throw new Error(
    `${argv.slice(0, 6).join(' ')} ${ended}, expected ${expected.join(' or ')}: ${tail(finished.stderr || finished.stdout)}`,
  );
}

function start([command = '', ...args]: readonly string[], { cwd, env, input }: CommandOptions) {
  const stdio: StdioOptions = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
  const child = startProcess(() => spawn(command, args, { cwd, env, stdio, detached: true }), { isGroup: true });
  if (input !== undefined) child.stdin?.end(input);
  return child;
}

/** Null when a signal ended it. */
function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

function collect(stream: NodeJS.ReadableStream | null): () => Promise<string> {
  const parts: Buffer[] = [];
  let end: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
    if (!stream) resolve();
  });
  stream?.on('data', (part: Buffer) => parts.push(part));
  stream?.once('close', () => end());
  return async () => {
    const timer = setTimeout(() => end(), DRAIN_MS);
    await ended;
    clearTimeout(timer);
    return Buffer.concat(parts).toString('utf8');
  };
}

function tail(text: string): string {
  return text.trim().slice(-600);
}
