/**
 * Runs a part of the agent's own program in a process of its own: for work inside of native code, which no signal of
 * ours reaches and which may never come back. No program of a plan runs here.
 *
 * 1. The process may read what the agent may read. Under an agent that is root it is nobody and may write nothing that is not
 *    everybody's: of all rights of root it keeps the one to read.
 * 2. It has an empty environment, a question on its standard input and lines as its answer; nothing else goes in or out.
 * 3. It ends with its answer, with the signal, or with the agent.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { TransientError } from '../../shared/errors.ts';
import { findSystemProgram, SYSTEM_PROGRAM_FOLDERS } from './launch-chain.ts';

export interface OwnPartOptions {
  readonly signal: AbortSignal;
  /** Of its own; what is beyond is not given to it. */
  readonly memoryBytes: number;
  /** More than that ends it. */
  readonly answerBytes: number;
  readonly onLine: (line: string) => void;
}

/** Of Linux and of every distribution: who owns nothing. */
const NOBODY = 65_534;

/**
 * Resolves when the process has ended by itself. Errors: `TransientError` when it could not be started, did not end well, or said
 * too much; the signal's reason.
 */
export async function askOwnPart(file: URL, question: string, options: OwnPartOptions): Promise<void> {
  options.signal.throwIfAborted();
  const [program, ...rest] = commandFor(fileURLToPath(file), options);
  const child = spawn(program, rest, { env: {}, cwd: '/', stdio: ['pipe', 'pipe', 'ignore'] });
  const kill = () => child.kill('SIGKILL');
  options.signal.addEventListener('abort', kill, { once: true });
  try {
    const closed = once(child, 'close');
    // Whether it could be started is told by `close` alone when it could: a broken pipe says less.
    child.stdin.on('error', () => undefined);
    child.stdin.end(question);
    listen(child, options);
    const [code] = (await closed) as [number | null];
    options.signal.throwIfAborted();
    if (code !== 0)
      throw new TransientError(`a part of the agent ended before its answer (${child.signalCode ?? code})`);
  } catch (error) {
    options.signal.throwIfAborted();
    throw error instanceof TransientError
      ? error
      : new TransientError('cannot start a part of the agent', { cause: error });
  } finally {
    options.signal.removeEventListener('abort', kill);
    kill();
  }
}

/** A host without these programs starts it as it is: whoever finds out in there that it may write says so. */
function commandFor(file: string, { memoryBytes }: OwnPartOptions): [program: string, ...args: string[]] {
  const [prlimit, setpriv] = ['prlimit', 'setpriv'].map((name) => findSystemProgram(name, SYSTEM_PROGRAM_FOLDERS));
  if (prlimit === undefined || setpriv === undefined) return [process.execPath, file];
  const isRoot = process.geteuid?.() === 0;
  return [
    ...([prlimit, `--data=${memoryBytes}:${memoryBytes}`, '--core=1:1', '--'] as const),
    ...[setpriv, ...(isRoot ? TO_READ_ALONE : []), '--no-new-privs', '--pdeathsig=KILL', '--'],
    ...[process.execPath, file],
  ];
}

const TO_READ_ALONE = [
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--inh-caps=-all,+dac_read_search',
  '--ambient-caps=-all,+dac_read_search',
  '--bounding-set=-all,+dac_read_search',
  // Else the kernel would leave that right out of account when it is asked what the process may do.
  '--securebits=+no_setuid_fixup',
];

function listen(child: ChildProcess, { answerBytes, onLine }: OwnPartOptions): void {
  let bytes = 0;
  let rest = '';
  child.stdout?.setEncoding('utf8');
  child.stdout?.on('data', (chunk: string) => {
    bytes += Buffer.byteLength(chunk);
    if (bytes > answerBytes) return void child.kill('SIGKILL');
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}
