/** A control plane of its own: a key ceremony, `keyturn serve` as a process, and the commands that people would type. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectOperator, type OperatorClient, type OperatorConnection } from '../../../control-plane/cli/client.ts';
import { freePorts } from '../../../scripts/demo/programs.ts';
import { type CommandOptions, type Finished, plainEnvironment, runCommand } from '../measure/run-command.ts';
import { ServiceProcess } from '../measure/service-process.ts';
import type { Programs } from './programs.ts';

/** Sub-gaps that every release of the benchmark may leave: they have no dry run that this agent could run. */
const ACCEPTED_GAPS = [
  'G6:dryrun:operations:live dry run:30',
  'G1:source-tests:release engineers:none are needed here:30',
];
/** Verdicts A and B; anything else is no deployment to be measured. */
export const PASSED = [0, 10];

export class ControlPlane implements AsyncDisposable {
  readonly programs: Programs;
  readonly folder: string;
  readonly gateway: { readonly port: number; readonly address: string };
  readonly join: string;
  #service: ServiceProcess | undefined;

  private constructor(parts: { programs: Programs; folder: string; ports: readonly [number, number] }) {
    const [gateway, join_] = parts.ports;
    this.programs = parts.programs;
    this.folder = parts.folder;
    this.gateway = { port: gateway, address: `127.0.0.1:${gateway}` };
    this.join = `127.0.0.1:${join_}`;
  }

  /** Holds the ceremony in a new folder and starts to serve. */
  static async found(programs: Programs, { folder, apps }: { folder: string; apps: readonly string[] }) {
    mkdirSync(folder, { recursive: true });
    const plane = new ControlPlane({ programs, folder, ports: await freePorts() });
    const gaps = ACCEPTED_GAPS.flatMap((gap) => ['--accept-gap', gap]);
    const named = apps.flatMap((app) => ['--app', app]);
    await plane.run(['init', ...named, '--no-passphrase', '--address', plane.gateway.address, ...gaps]);
    await plane.start();
    return plane;
  }

  get pid(): number {
    if (!this.#service) throw new Error('the control plane is not running');
    return this.#service.pid;
  }

  async start(): Promise<void> {
    const argv = this.#argv(['serve', '--listen', this.gateway.address, '--join', this.join]);
    const options = { env: plainEnvironment(this.folder), log: join(this.folder, 'control-plane.log') };
    this.#service = new ServiceProcess(argv, options);
    await this.#service.nextLine();
  }

  async stop(): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
    this.#service = undefined;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** One command as one process. */
  run(argv: readonly string[], options: CommandOptions = {}): Promise<Finished> {
    return runCommand(this.#argv(argv), { env: plainEnvironment(this.folder), ...options });
  }

  /** One command with `--json`: its document, and how long it took from its start to its end. */
  async query<T>(argv: readonly string[], options: CommandOptions = {}): Promise<{ document: T; ms: number }> {
    const { stdout, ms } = await this.run(['--json', ...argv], options);
    return { document: JSON.parse(stdout) as T, ms };
  }

  /** The operator API itself, for what is asked too often for a process each time. */
  connect(role: 'viewer' | 'operator'): OperatorClient & Disposable {
    const text = readFileSync(join(this.#home, 'operators', `${role}.json`), 'utf8');
    const client = connectOperator(JSON.parse(text) as OperatorConnection);
    return { ...client, [Symbol.dispose]: () => client.close() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #home(): string {
    return join(this.folder, 'home');
  }

  #argv(argv: readonly string[]): string[] {
    if (!existsSync(this.programs.keyturn)) throw new Error(`there is no program at "${this.programs.keyturn}"`);
    return [this.programs.keyturn, '--home', this.#home, ...argv];
  }
}
