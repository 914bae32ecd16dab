/** The real programs, started as a user would: one process for each command, two that stay. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const PROGRAMS = {
  keyturn: join(repository, 'control-plane', 'cli', 'main.ts'),
  'keyturn-agent': join(repository, 'host-agent', 'main.ts'),
};
type Program = keyof typeof PROGRAMS;

/** A command ended otherwise than it should; what it had to say about that stands on the terminal. */
export class CommandFailed extends Error {
  /** Undefined where a signal ended it. */
  readonly exitCode: number | undefined;

  constructor(command: string, { exitCode, expected }: { exitCode: number | null; expected: readonly number[] }) {
    super(
      `\`${command}\` ended with ${exitCode === null ? 'a signal' : `exit ${exitCode}`}, expected ${expected.join(' or ')}`,
    );
    this.exitCode = exitCode ?? undefined;
  }
}

/** How long a service may take until it says that it is ready. */
const READY_MS = 60_000;

export class Programs {
  readonly #echo: (line: string) => void;
  readonly #globals: Readonly<Record<Program, readonly string[]>>;

  constructor(globals: Readonly<Record<Program, readonly string[]>>, echo: (line: string) => void) {
    this.#globals = globals;
    this.#echo = echo;
  }

  /** Runs a command to its end; what it prints goes to the terminal. Throws when it exits with none of `expected`. */
  run(
    program: Program,
    argv: readonly string[],
    { expected = [0], input }: { expected?: readonly number[]; input?: string } = {},
  ): number {
    this.#echo(`\n$ ${program} ${argv.map(quoted).join(' ')}`);
    const stdin = input === undefined ? 'ignore' : 'pipe';
    const { status } = spawnSync(process.execPath, this.#argv(program, argv), {
      stdio: [stdin, 2, 2],
      ...(input !== undefined && { input }),
    });
    if (status !== null && expected.includes(status)) return status;
    throw new CommandFailed(commandName(program, argv), { exitCode: status, expected });
  }

  /** Runs a command with `--json` and reads its document. */
  query<T>(program: Program, argv: readonly string[], expected: readonly number[] = [0]): T {
    const result = spawnSync(process.execPath, this.#argv(program, ['--json', ...argv]), {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    });
    if (result.status !== null && expected.includes(result.status)) return JSON.parse(result.stdout) as T;
    process.stderr.write(result.stderr);
    throw new CommandFailed(commandName(program, argv), { exitCode: result.status, expected });
  }

  /** The same, and its document is shown as a transcript has it. */
  shown<T>(program: Program, argv: readonly string[], expected: readonly number[]): T {
    this.#echo(`\n$ ${program} ${argv.map(quoted).join(' ')}`);
    const document = this.query<T>(program, argv, expected);
    this.#echo(JSON.stringify(document, null, 2));
    return document;
  }

  /** Starts a service and waits for its first line. Its log goes to `log`. */
  async serve(
    program: Program,
    argv: readonly string[],
    { log, isDetached }: { log: string; isDetached: boolean },
  ): Promise<ChildProcess> {
    this.#echo(`\n$ ${program} ${argv.map(quoted).join(' ')} &`);
    const stderr = openSync(log, 'a');
    const child = spawn(process.execPath, this.#argv(program, argv), {
      stdio: ['ignore', 'pipe', stderr],
      detached: isDetached,
    });
    const ready = await firstLine(child, { program, log });
    this.#echo(ready);
    return child;
  }

  #argv(program: Program, argv: readonly string[]): string[] {
    return [PROGRAMS[program], ...this.#globals[program], ...argv];
  }
}

/** Such as `keyturn release build`. */
function commandName(program: Program, argv: readonly string[]): string {
  const option = argv.findIndex((argument) => argument.startsWith('-'));
  return [program, ...argv.slice(0, option === -1 ? argv.length : option)].join(' ');
}

function firstLine(child: ChildProcess, { program, log }: { program: string; log: string }): Promise<string> {
  const { stdout } = child;
  if (!stdout) throw new Error(`${program} was started without a pipe`);
  return new Promise((resolve, reject) => {
    const failed = (why: string) => {
      child.kill();
      reject(new Error(`${program} ${why}; its log: ${log}`));
    };
    const timer = setTimeout(() => failed(`was not ready after ${READY_MS} ms`), READY_MS);
    child.once('exit', (code) => {
      clearTimeout(timer);
      failed(`ended with exit ${code}`);
    });
    createInterface({ input: stdout }).once('line', (line) => {
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve(line);
    });
  });
}

/** Lets a service live on when this program ends. */
export function letGo(child: ChildProcess): void {
  child.stdout?.destroy();
  child.unref();
}

/** Ends a service and waits until it is gone. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** Two ports that were free a moment ago. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports as [number, number];
}

/** Makes the database that the sample payload's secret points at. */
export function makeDatabase(path: string, scripts: readonly string[]): void {
  const program =
    'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); [c.executescript(open(p,encoding="utf-8").read()) for p in sys.argv[2:]]; c.commit()';
  execFileSync('/usr/bin/python3', ['-c', program, path, ...scripts], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** One number that the SQLite file answers with. */
export function queryDatabase(path: string, query: string): number {
  const program = 'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])';
  return Number(execFileSync('/usr/bin/python3', ['-c', program, path, query], { encoding: 'utf8' }));
}

function quoted(argument: string): string {
  return /^[A-Za-z0-9@%+=:,./_-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
