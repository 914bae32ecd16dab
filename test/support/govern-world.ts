/**
 * A release that people govern, in small: its dry run stops once and counts a SQLite database, its live entrypoints end at once,
 * fail, or go on until they are stopped. A ceremony with ops-1, ops-2, ops-3 and sec-1, a control plane, and hosts with real agents.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { stringify } from 'yaml';
import { buildRelease } from '../../control-plane/build/build-release.ts';
import { planKinds } from '../../shared/ledger/kinds/registry.ts';
import { parseEnrolmentBundle } from '../../shared/rpc/enrolment-bundle.ts';
import { CommandWorld, documentOf, type Ended } from './command-line.ts';
import { GitRepository } from './git-repository.ts';
import { WorldHost } from './world-host.ts';
import { INSTALL_ROOT, NEIGHBOUR_NAME, SECRET_NAME } from './world-release.ts';

export const APP = 'lantern';
/** Two of operations and one of security, as the ceremony has it. */
export const QUORUM = ['ops-1', 'ops-2', 'sec-1'] as const;
export const REASON = ['--reason', 'as proven'] as const;

export interface HeldRun {
  readonly run: string;
  readonly release: string;
  readonly host: string;
}

export class GovernWorld implements AsyncDisposable {
  readonly command: CommandWorld;
  readonly hosts = new Map<string, WorldHost>();

  private constructor(command: CommandWorld) {
    this.command = command;
  }

  /** The ceremony is held, the control plane runs, and nothing is released. */
  static async start(): Promise<GovernWorld> {
    const world = new GovernWorld(new CommandWorld());
    await world.done('init', '--app', APP, '--no-passphrase');
    await world.command.start();
    makeDatabase(world.at('counts.sqlite'));
    mkdirSync(world.at('hosts'));
    return world;
  }

  at(...names: string[]): string {
    return this.command.at(...names);
  }

  /** With `--json`. Throws unless it ends with 0. */
  async done<T = Readonly<Record<string, unknown>>>(...argv: string[]): Promise<T> {
    const ended = await this.command.json(...argv);
    if (ended.exitCode !== 0) throw new Error(`${argv.join(' ')}: expected exit 0: ${ended.stdout}${ended.stderr}`);
    return ended.stdout === '' ? ({} as T) : documentOf<T>(ended);
  }

  keyOf(name: string): string {
    return join(this.command.home.folder, 'keys', 'approvers', `${name}.pem`);
  }

  /** `--key FILE` for each. */
  keys(...names: readonly string[]): string[] {
    return [...names.flatMap((name) => ['--key', this.keyOf(name)]), '--no-passphrase', '--yes'];
  }

  /** Built, pushed, and known as `lantern@VERSION`. */
  async release(version: string, change: Partial<LanternYaml> = {}): Promise<string> {
    using built = await buildLantern(version, change);
    await this.done('release', 'push', built.ktrPath);
    return `${APP}@${version}`;
  }

  /** Enrolled, with its agent running. */
  async host(name: string): Promise<WorldHost> {
    const { join: joining, gateway } = this.command.service.plane.addresses;
    const out = this.at(`${name}.enrolment`);
    await this.done('host', 'token', name, '--join', joining, '--gateway', gateway, '--out', out);
    const host = new WorldHost(this.at('hosts', name), name);
    this.hosts.set(name, host);
    await host.enrol(parseEnrolmentBundle(readFileSync(out)));
    host.writeSecret(SECRET_NAME, `sqlite://${this.at('counts.sqlite')}`);
    await host.startAgent();
    return host;
  }

  /** Deployed up to its stop gate. */
  async held(release: string, host: string): Promise<HeldRun> {
    const deployed = await this.command.json('deploy', release, '--host', host, '--watch');
    if (deployed.exitCode !== 75) throw new Error(`expected a held run: ${deployed.stdout}${deployed.stderr}`);
    return { run: documentOf<{ run: string }>(deployed).run, release, host };
  }

  /** Ruled past its stop gate, and followed to its end. */
  async proven(release: string, host: string): Promise<HeldRun> {
    const held = await this.held(release, host);
    await this.done('rule', 'proceed', held.run, ...REASON, ...this.keys(...QUORUM));
    await this.watch(held);
    return held;
  }

  watch({ run }: Pick<HeldRun, 'run'>): Promise<Ended> {
    return this.command.json('watch', run);
  }

  /** The file of a request that the quorum has signed. */
  async signedRequest(release: string, hosts: readonly string[], ...options: string[]): Promise<string> {
    const file = this.at(`request-${this.#requests++}.json`);
    const named = hosts.flatMap((host) => ['--host', host]);
    await this.done('enable', 'request', release, ...named, ...REASON, '--out', file, ...options);
    for (const name of QUORUM) await this.done('approve', file, ...this.keys(name));
    return file;
  }

  #requests = 0;

  /** Requested, signed by the quorum, and sent. */
  async enabled(release: string, hosts: readonly string[]): Promise<void> {
    await this.done('enable', 'send', await this.signedRequest(release, hosts));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.hosts.values()) await host[Symbol.asyncDispose]();
    await this.command[Symbol.asyncDispose]();
  }
}

type LanternYaml = ReturnType<typeof lanternYaml>;

async function buildLantern(version: string, change: Partial<LanternYaml>): Promise<Disposable & { ktrPath: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-lantern-'));
  const repository = new GitRepository();
  try {
    for (const [path, content] of Object.entries(sourceFiles(version))) repository.write(path, content);
    repository.write('keyturn.yaml', stringify({ ...lanternYaml(), ...change }));
    repository.commit(`lantern ${version}`);
    const out = join(folder, 'lantern.ktr');
    await buildRelease({ repository: repository.path, ref: 'HEAD', kinds: planKinds, version, out });
    return { ktrPath: out, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
  } finally {
    repository.remove();
  }
}

function lanternYaml() {
  const lamp = (...words: string[]) => ['python3', '-m', 'lantern', ...words];
  return {
    name: APP,
    version: { file: 'lantern/__init__.py', pattern: '__version__ = "(.+)"' },
    install: { root: INSTALL_ROOT, preserve: [NEIGHBOUR_NAME] },
    tests: { argv: ['python3', '-m', 'unittest', 'discover'], expect: { tests: { min: 1, failed: 0 } } } as
      | object
      | undefined,
    requires: { tools: { python3: {} } },
    secrets: [SECRET_NAME],
    entrypoints: {
      dryrun: { argv: lamp('dryrun'), stopGates: ['SG1'] },
      live: { argv: lamp('light'), live: true },
      broken: { argv: lamp('break'), live: true },
      follow: { argv: lamp('follow'), live: true },
    } as Readonly<Record<string, object>>,
    invariants: { counts: { sql: { dsn: SECRET_NAME, queries: { lamps: 'select count(*) from lamps' } } } },
    gates: {
      G5: [{ 'refuses-live': { id: 'refuses-live', entrypoint: 'live' } }],
      G6: [{ dryrun: { id: 'live-dryrun', entrypoint: 'dryrun', invariants: ['counts'] } }],
    },
  };
}

function sourceFiles(version: string): Readonly<Record<string, string>> {
  return {
    'lantern/__init__.py': `__version__ = "${version}"\n`,
    'lantern/__main__.py': LANTERN,
    'tests/__init__.py': '',
    'tests/test_lantern.py': TESTS,
  };
}

/** Without a permit nothing but the dry run does anything. */
const LANTERN = `import json
import os
import signal
import sys


def tell(**line):
    os.write(3, json.dumps(line).encode() + b"\\n")


def dryrun():
    if os.environ.get("KEYTURN_RESUME") is None:
        tell(stopGate="SG1", summary="3 lamps would be lit", resume="from SG1")
        return 75
    tell(closeout={"lamps": 3})
    return 0


def main(word):
    if word == "dryrun":
        return dryrun()
    if "KEYTURN_PERMIT" not in os.environ:
        print("refused: no permit", file=sys.stderr)
        return 77
    if word == "break":
        print("the lamp is broken", file=sys.stderr)
        return 4
    print("the lamp is lit", flush=True)
    if word == "follow":
        signal.sigwait([signal.SIGTERM])
    tell(closeout={"lit": 1})
    return 0


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
sys.exit(main(sys.argv[1]))
`;

const TESTS = `import unittest

import lantern


class Lantern(unittest.TestCase):
    def test_has_a_version(self):
        self.assertTrue(lantern.__version__)
`;

function makeDatabase(path: string): void {
  const database = new Database(path);
  database.exec("create table lamps (name text); insert into lamps values ('a'), ('b'), ('c')");
  database.close();
}
