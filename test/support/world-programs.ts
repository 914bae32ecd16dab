/** The programs as people run them: the pinned Node, the real entry points, exit codes and both streams. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const KEYTURN = join(repository, 'control-plane', 'cli', 'main.ts');
export const KEYTURN_AGENT = join(repository, 'host-agent', 'main.ts');

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function runProgram(
  program: string,
  words: readonly string[],
  { input = '' }: { input?: string } = {},
): Promise<Ended> {
  const child = start(program, words);
  const [stdout, stderr] = [collected(child.stdout), collected(child.stderr)];
  child.stdin?.end(input);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout: await stdout, stderr: await stderr };
}

/** A program that runs until it is told to stop. */
export class Service implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit');
  }

  /** Resolves with its first line, which it prints when it is ready. */
  static async start(program: string, words: readonly string[]): Promise<{ service: Service; firstLine: string }> {
    const child = start(program, words);
    const service = new Service(child);
    const errors = collected(child.stderr);
    for await (const firstLine of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      child.stdout?.resume();
      return { service, firstLine };
    }
    throw new Error(`${program} ended before it was ready: ${await errors}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
  }
}

/** Ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listening()));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function listening() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function start(program: string, words: readonly string[]): ChildProcess {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', NO_COLOR: '1', KEYTURN_LOG: 'warn' };
  return spawn(process.execPath, [program, ...words], { env, stdio: 'pipe' });
}

async function collected(stream: NodeJS.ReadableStream | null): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream ?? []) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}
