/**
 * What an agent that waits has in memory: its link, its journal, its configuration, and of other people's code the wire and
 * the database alone. Whatever only a directive needs comes with the first one; a thousand hosts wait for weeks.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { enrolHost } from '../../host-agent/host/enrol-host.ts';
import { encodeByLibrary } from '../shared/rpc/wire/message-oracle.ts';
import { HostileControlPlane } from '../support/hostile-control-plane.ts';
import { policyBytes } from './run/signed-world.ts';
import { TrustRoot } from './run/trust-root.ts';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const MAIN = join(repository, 'host-agent', 'main.ts');

/** Writes down each module that is loaded, before any of the program is. */
const WITNESS = `
  import { appendFileSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  registerHooks({
    load(url, context, next) {
      appendFileSync(process.env.LOADED, url + '\\n');
      return next(url, context);
    },
  });`;

const PACKAGES_OF_WAITING = ['@grpc/grpc-js', '@js-sdsl/ordered-map', 'better-sqlite3', 'long', 'protobufjs'];
/** Folders of the agent whose code nobody needs before the first directive. */
const FOLDERS_OF_WORK = /^host-agent\/(run|install|checks|sandbox|gate)\//;
/** A kill is obeyed as it arrives, by what is there already. */
const OBEYS_KILLS = ['gate-keeper', 'gate-store', 'machine', 'run-permit', 'state-text', 'take-kill'].map(
  (name) => `host-agent/gate/${name}.ts`,
);

describe('an agent that waits', function () {
  this.timeout(20_000);
  const order = { runId: '01JD9QZ5X8M3K7T2B4N6P8R0AA', targetPath: 'app/1.0.json', statementSha256: 'a'.repeat(64) };
  let folder: string;
  let controlPlane: HostileControlPlane;
  let directives: Buffer[];
  let asked: PromiseWithResolvers<string>;
  const agents: ChildProcess[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-waiting-'));
    directives = [];
    asked = Promise.withResolvers();
    controlPlane = await HostileControlPlane.start({
      welcome: () => [encodeByLibrary('ControlToAgent', { welcome: { lastDirectiveSeq: 0 } }), ...directives],
      metadata: (name) => silence(name),
      content: () => silence('blobs'),
      renew: () => Promise.reject(new Error('nobody asks')),
      enrol: async ({ csr, host }) => {
        const { certificate } = await controlPlane.authority.issueHostCertificate(csr, host);
        return encodeByLibrary('EnrolResponse', { certificate });
      },
    });
    await enrol();
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) {
      agent.kill('SIGKILL');
      if (agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit');
    }
    await controlPlane.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function* silence(name: string): AsyncGenerator<Buffer> {
    asked.resolve(name);
    await new Promise(() => {});
    yield Buffer.alloc(0);
  }

  async function enrol(): Promise<void> {
    const { baseline } = new TrustRoot({ now: new Date(), policy: policyBytes() });
    await enrolHost(join(folder, 'state'), {
      bundle: {
        schema: 'keyturn.enrolment/v1',
        host: 'devhost-1',
        addresses: controlPlane.addresses,
        caCertificate: controlPlane.authority.caCertificate,
        token: 'a'.repeat(43),
        trust: Object.fromEntries([...baseline].map(([name, bytes]) => [name, Buffer.from(bytes)])),
      },
      config: { installRoots: ['/opt/dot'], labels: {}, rootPrefix: folder },
      now: new Date(),
    });
  }

  /** Starts an agent as its unit does; resolves when its link is open, with what it has loaded until then. */
  async function startUntilConnected(): Promise<Loaded> {
    const loaded = join(folder, 'loaded');
    writeFileSync(join(folder, 'witness.mjs'), WITNESS);
    writeFileSync(loaded, '');
    const argv = ['--import', join(folder, 'witness.mjs'), MAIN, '--state', join(folder, 'state'), 'run'];
    const child = spawn(process.execPath, argv, {
      env: { ...process.env, NODE_OPTIONS: '', KEYTURN_LOG: 'info', LOADED: loaded },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    agents.push(child);
    const [ready] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    expect(ready).to.equal('agent ready: devhost-1');
    for await (const line of createInterface({ input: child.stderr })) {
      if (JSON.parse(line).link === 'open') return readLoaded(loaded);
    }
    throw new Error('the agent ended before it was connected');
  }

  it('has loaded nothing of other people but the wire and the database, and nothing of its own that works', async () => {
    const { packages, files } = await startUntilConnected();
    expect(packages).to.deep.equal(PACKAGES_OF_WAITING);
    expect(files).to.include.members(['host-agent/main.ts', 'host-agent/link/session.ts', 'shared/rpc/definitions.ts']);
    expect(files.filter((file) => FOLDERS_OF_WORK.test(file))).to.have.members(OBEYS_KILLS);
    expect(files.filter((file) => file.startsWith('shared/ledger/'))).to.deep.equal([]);
  });

  it('loads what works with the first directive', async () => {
    directives = [encodeByLibrary('ControlToAgent', { seq: 1, directive: { deploy: order } })];
    await startUntilConnected();
    await asked.promise;
    const { packages, files } = readLoaded(join(folder, 'loaded'));
    expect(packages).to.include.members([...PACKAGES_OF_WAITING, 'tuf-js', 'zod']);
    expect(files.filter((file) => FOLDERS_OF_WORK.test(file))).to.have.length.at.least(30);
  });
});

interface Loaded {
  readonly packages: readonly string[];
  /** Of the repository. */
  readonly files: readonly string[];
}

function readLoaded(path: string): Loaded {
  const urls = readFileSync(path, 'utf8').split('\n');
  const paths = urls.filter((url) => url.startsWith('file:')).map((url) => relative(repository, fileURLToPath(url)));
  const names = paths.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  return {
    packages: [...new Set(names)].sort(),
    files: paths.filter((file) => /^(shared|host-agent|control-plane)\//.test(file)),
  };
}
