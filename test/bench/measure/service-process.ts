/** A program that stays: started, waited for, and ended by its own process id. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { startProcess } from './started-processes.ts';

export interface ServiceOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Gets what it prints to stderr. */
  readonly log: string;
  readonly readyMs?: number;
}

const READY_MS = 60_000;
/** How long one may take to end by itself. */
const END_MS = 10_000;

export class ServiceProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #name: string;
  readonly #log: string;
  readonly #readyMs: number;

  constructor([command = '', ...args]: readonly string[], options: ServiceOptions) {
    this.#name = command.replace(/^.*\//, '');
    this.#log = options.log;
    this.#readyMs = options.readyMs ?? READY_MS;
    const stdio: StdioOptions = ['ignore', 'pipe', openSync(options.log, 'a')];
    this.child = startProcess(() => spawn(command, args, { env: options.env, stdio }));
    this.child.on('error', () => undefined);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.#name} could not be started`);
    return this.child.pid;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Its next line on stdout. Errors: `Error` when it ends, or is silent for too long. */
  async nextLine(): Promise<string> {
    const { stdout } = this.child;
    if (!stdout) throw new Error(`${this.#name} was started without a pipe`);
    const lines = createInterface({ input: stdout });
    try {
      return await this.#inTime((resolve) => lines.once('line', resolve), 'said nothing');
    } finally {
      lines.close();
      stdout.resume();
    }
  }

  /** Resolves when `isReady` says so; it is asked every few milliseconds. */
  async until(isReady: () => boolean | Promise<boolean>): Promise<void> {
    await this.#inTime((resolve) => {
      const look = async () => {
        if (this.hasEnded) return;
        if (await isReady()) resolve('');
        else setTimeout(look, 10);
      };
      void look();
    }, 'was not ready');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.hasEnded || this.child.pid === undefined) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_MS);
    await gone;
    clearTimeout(timer);
  }

  #inTime(begin: (resolve: (line: string) => void) => void, failure: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${this.#name} ${why}: ${this.#lastWords()}`));
      const timer = setTimeout(() => fail(`${failure} within ${this.#readyMs} ms`), this.#readyMs);
      const onExit = (code: number | null) => {
        clearTimeout(timer);
        fail(`ended with exit ${code}`);
      };
      this.child.once('exit', onExit);
      begin((line) => {
        clearTimeout(timer);
        this.child.off('exit', onExit);
        resolve(line);
      });
    });
  }

  #lastWords(): string {
    return readFileSync(this.#log, 'utf8').trim().slice(-600);
  }
}
