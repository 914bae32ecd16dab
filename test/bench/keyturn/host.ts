/** A host: a folder in the role of its file system, an enrolment, and the real agent as a process. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainEnvironment, runCommand } from '../measure/run-command.ts';
import { ServiceProcess } from '../measure/service-process.ts';
import type { ControlPlane } from './control-plane.ts';

export interface HostOptions {
  readonly folder: string;
  readonly name: string;
  /** Where the agent finds the gateway; the control plane's own address unless said. */
  readonly gateway?: string;
  readonly installRoot: string;
}

export class BenchHost implements AsyncDisposable {
  readonly name: string;
  readonly #plane: ControlPlane;
  readonly #folder: string;
  readonly #installRoot: string;
  #agent: ServiceProcess | undefined;

  private constructor(plane: ControlPlane, { folder, name, installRoot }: HostOptions) {
    this.#plane = plane;
    this.#folder = folder;
    this.name = name;
    this.#installRoot = installRoot;
  }

  /** Joins; its agent is not started yet. */
  static async enrol(plane: ControlPlane, options: HostOptions): Promise<BenchHost> {
    const host = new BenchHost(plane, options);
    mkdirSync(host.installRoot, { recursive: true });
    const bundle = join(options.folder, 'enrolment');
    const addresses = ['--join', plane.join, '--gateway', options.gateway ?? plane.gateway.address];
    await plane.run(['host', 'token', options.name, ...addresses, '--out', bundle]);
    await host.#run(['enrol', bundle, '--install-root', options.installRoot, '--root-prefix', host.#rootPrefix]);
    return host;
  }

  /** Where releases are put, on this machine. */
  get installRoot(): string {
    return join(this.#rootPrefix, this.#installRoot);
  }

  get pid(): number {
    if (!this.#agent) throw new Error(`the agent of "${this.name}" is not running`);
    return this.#agent.pid;
  }

  async storeSecret(name: string, value: string): Promise<void> {
    await this.#run(['secret', name], value);
  }

  /** Returns when the session with the control plane is open. */
  async start(): Promise<void> {
    const log = join(this.#folder, `agent-${process.hrtime.bigint()}.log`);
    const argv = [this.#plane.programs.agent, '--state', this.#state, 'run'];
    this.#agent = new ServiceProcess(argv, { env: plainEnvironment(this.#folder), log });
    await this.#agent.nextLine();
    await this.#agent.until(() => isOpen(readFileSync(log, 'utf8')));
  }

  async stop(): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
    this.#agent = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #rootPrefix(): string {
    return join(this.#folder, 'root');
  }

  get #state(): string {
    return join(this.#folder, 'state');
  }

  async #run(argv: readonly string[], input?: string): Promise<void> {
    const env = plainEnvironment(this.#folder);
    await runCommand([this.#plane.programs.agent, '--state', this.#state, ...argv], {
      env,
      ...(input !== undefined && { input }),
    });
  }
}

/** The agent logs each state of its link; the last one counts. */
function isOpen(log: string): boolean {
  const states = [...log.matchAll(/"link":"(\w+)"/g)];
  return states.at(-1)?.[1] === 'open';
}
