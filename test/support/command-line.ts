/**
 * `keyturn` as a user meets it, in this process: the real program, a real ceremony, a real control plane on a free port.
 * Each world is a folder of its own with a ceremony of its own.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServeOptions, type Service, startService } from '../../control-plane/cli/actions/serve.ts';
import { connectOperator, operatorTrustSource } from '../../control-plane/cli/client.ts';
import { Home } from '../../control-plane/cli/home.ts';
import { endedWith } from '../../control-plane/cli/output.ts';
import { createProgram } from '../../control-plane/cli/program.ts';
import type { Publisher } from '../../control-plane/cli/publication.ts';
import type { Role } from '../../shared/rpc/peer-identity.ts';
import { runProgram } from '../../shared/service/run-program.ts';
import { serviceLog } from '../../shared/service/service-log.ts';
import { BuildPlace, buildableRepository } from './build-repository.ts';

/** The application of `buildableRepository`. */
export const APP = 'cutter';
const ROLES: readonly Role[] = ['releaser', 'operator', 'viewer'];

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end. */
export async function keyturn(...argv: string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const program = createProgram({
    writeOut: (text) => {
      written.stdout += text;
    },
    writeErr: (text) => {
      written.stderr += text;
    },
  });
  return { exitCode: await runProgram(program, { argv, endedWith: () => endedWith(program) }), ...written };
}

/** The one document that a command with `--json` prints. */
export function documentOf<T = Readonly<Record<string, unknown>>>({ stdout }: Ended): T {
  return JSON.parse(stdout) as T;
}

/** The `error` of the one document that a failed command with `--json` prints. */
export function failureOf(ended: Ended): { readonly code?: string; readonly message: string; readonly hint?: string } {
  return documentOf<{ error: { code?: string; message: string; hint?: string } }>(ended).error;
}

/** A home in which a ceremony was held, and the control plane that belongs to it once it is started. */
export class CommandWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'keyturn-command-'));
  readonly home = new Home(join(this.folder, 'home'));
  readonly #closers: (() => void)[] = [];
  #service: Service | undefined;

  static async held(...options: string[]): Promise<CommandWorld> {
    const world = new CommandWorld();
    const ended = await world.keyturn('init', '--app', APP, '--no-passphrase', ...options);
    if (ended.exitCode !== 0) throw new Error(`the ceremony failed: ${ended.stderr}`);
    return world;
  }

  static async started(...options: string[]): Promise<CommandWorld> {
    const world = await CommandWorld.held(...options);
    await world.start();
    return world;
  }

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** With the home of this world. */
  keyturn(...argv: string[]): Promise<Ended> {
    return keyturn('--home', this.home.folder, ...argv);
  }

  json(...argv: string[]): Promise<Ended> {
    return this.keyturn('--json', ...argv);
  }

  get service(): Service {
    if (this.#service === undefined) throw new Error('the control plane is not running');
    return this.#service;
  }

  /** On any free port, which the operators then dial; or on the same as before. */
  async start(options: Partial<ServeOptions> = {}): Promise<void> {
    this.#service = await startService({ ...this.serveOptions(), ...options }, serviceLog('test'));
    this.dial(this.#service.plane.addresses.operator);
  }

  serveOptions(): ServeOptions {
    const anyPort = '127.0.0.1:0';
    const folder = this.home.controlPlane;
    return {
      folder,
      listen: anyPort,
      join: anyPort,
      name: [],
      reports: this.at('reports'),
      reportsHttpCollection: 'reports',
    };
  }

  async stop(): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
    this.#service = undefined;
  }

  /** From now on the operators of this home dial that address. */
  dial(address: string): void {
    for (const role of ROLES) this.home.saveOperator(role, { ...this.home.loadOperator(role), address });
  }

  /** A publisher with a home of its own, as on another machine; it has the same keys. */
  publisher(role: Role, home = this.home): Publisher {
    const client = connectOperator({ ...this.home.loadOperator(role) });
    this.#closers.push(() => client.close());
    return { home, client, source: operatorTrustSource(client) };
  }

  /** The same home once more. */
  copyOfHome(name: string): Home {
    const home = new Home(this.at(name));
    cpSync(this.home.folder, home.folder, { recursive: true });
    return home;
  }

  onStop(closer: () => void): void {
    this.#closers.push(closer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.reverse()) close();
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Bundles that were built already, by what is in them: a build is the same whenever it is done. */
const built = new Map<string, Promise<Buffer>>();

/** A bundle of `cutter` at this version, in that folder; versions differ in their content. */
export async function buildBundle(
  folder: string,
  version: string,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const key = JSON.stringify([version, files]);
  const bytes = built.get(key) ?? buildBytes(version, files);
  built.set(key, bytes);
  const bundle = join(folder, `${APP}-${version}.ktr`);
  writeFileSync(bundle, await bytes);
  return bundle;
}

async function buildBytes(version: string, files: Readonly<Record<string, string>>): Promise<Buffer> {
  const repository = buildableRepository();
  for (const [path, content] of Object.entries(files)) repository.write(path, content);
  repository.write('cutter/__init__.py', `__version__ = "${version}"\n`).commit();
  const place = new BuildPlace();
  try {
    await place.build(repository.path, { version });
    return readFileSync(place.out);
  } finally {
    place.remove();
    repository.remove();
  }
}

/** A server that takes connections and never says a word. */
export async function silentServer(): Promise<{ address: string; close: () => void }> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { address: `127.0.0.1:${port}`, close };
}

/** Files below a folder, sorted; empty when it is not there. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
