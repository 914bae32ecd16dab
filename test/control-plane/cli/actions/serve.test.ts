/** `keyturn serve`: what it refuses before it listens, its first publication, and its restart. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { APP, buildBundle, CommandWorld, documentOf, failureOf } from '../../../support/command-line.ts';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '../../../../control-plane/cli/main.ts');

describe('keyturn serve', function () {
  this.timeout(30_000);
  let world: CommandWorld;
  beforeEach(async () => {
    world = await CommandWorld.held();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const versions = async () => {
    const { versions: shown } = documentOf<{ versions: { file: string; version: number }[] }>(
      await world.json('trust', 'show'),
    );
    return Object.fromEntries(shown.map(({ file, version }) => [file, version]));
  };

  const REFUSED: readonly { name: string; options: readonly string[]; says: string }[] = [
    { name: 'an address without a port', options: ['--listen', 'localhost'], says: '--listen "localhost"' },
    { name: 'a port that is none', options: ['--join', '127.0.0.1:70000'], says: '--join "127.0.0.1:70000"' },
    {
      name: 'an items API without a token',
      options: ['--reports-http', 'http://127.0.0.1:1'],
      says: '--reports-http-token-file',
    },
    { name: 'an items API that is no URL', options: ['--reports-http', 'directus'], says: '--reports-http "directus"' },
    {
      name: 'a token file that is not there',
      options: ['--reports-http', 'http://127.0.0.1:1', '--reports-http-token-file', '/nowhere/token'],
      says: 'token file "/nowhere/token"',
    },
    {
      name: 'a git repository for reports that is not there',
      options: ['--reports-git', '/nowhere/reports'],
      says: '--reports-git "/nowhere/reports": expected a git working tree',
    },
  ];
  it('has six things that it refuses', () => expect(REFUSED).to.have.length(6));
  for (const { name, options, says } of REFUSED) {
    it(`refuses ${name} with 64, before anything listens`, async () => {
      const ended = await world.json('serve', '--listen', '127.0.0.1:0', '--join', '127.0.0.1:0', ...options);
      expect(ended.exitCode).to.equal(64);
      expect(failureOf(ended).message).to.include(says);
    });
  }

  it('ends with 77 where no ceremony was held, and says how to hold one', async () => {
    const ended = await world.json('serve', '--folder', world.at('elsewhere'));
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'authority-missing']);
    expect(failureOf(ended).hint).to.include('keyturn init');
  });

  it('ends with 69 when its port is taken, names it, and says what to do', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = `127.0.0.1:${(taken.address() as { port: number }).port}`;
    try {
      // A process of its own: nothing that listens may keep it alive.
      const ended = spawnSync(
        process.execPath,
        [MAIN, '--home', world.home.folder, 'serve', '--listen', address, '--join', '127.0.0.1:0'],
        { encoding: 'utf8', timeout: 20_000 },
      );
      expect(ended.status).to.equal(69);
      expect(ended.stderr).to.include(address).and.include('hint: does another control plane run there?');
    } finally {
      taken.close();
    }
  });

  it('lets go of its ports when the first publication is refused', async () => {
    const place = join(world.home.controlPlane, 'first-publication', 'targets.json');
    writeFileSync(place, readFileSync(place, 'utf8').replace(/"sig":"../, '"sig":"ff'));
    const ended = spawnSync(
      process.execPath,
      [MAIN, '--json', '--home', world.home.folder, 'serve', '--listen', '127.0.0.1:0', '--join', '127.0.0.1:0'],
      { encoding: 'utf8', timeout: 20_000 },
    );
    expect(ended.status, ended.stderr).to.equal(77);
    expect(JSON.parse(ended.stdout).error.code).to.equal('metadata-not-trusted');
  });

  it('publishes what the ceremony signed, once; a restart keeps what was published since', async () => {
    await world.start();
    expect(await versions()).to.deep.equal({
      'root.json': 1,
      'targets.json': 1,
      'snapshot.json': 1,
      'timestamp.json': 1,
      [`release-${APP}.json`]: 1,
    });
    expect((await world.json('release', 'push', await buildBundle(world.folder, '0.6'))).exitCode).to.equal(0);
    await world.stop();
    // Gone, or damaged: it is not looked at again.
    rmSync(join(world.home.controlPlane, 'first-publication'), { recursive: true });
    await world.start();
    expect(await versions()).to.include({ 'root.json': 1, 'targets.json': 1, 'snapshot.json': 2 });
    const { releases } = documentOf<{ releases: { app: string }[] }>(await world.json('release', 'list'));
    expect(releases.map(({ app }) => app)).to.deep.equal([APP]);
    const out = world.at('archive');
    expect((await world.json('release', 'export', `${APP}@0.6`, '--out', out)).exitCode).to.equal(0);
  });

  it('says where it listens in one document, serves, and ends with 0 when it is told to stop', async () => {
    const argv = ['--json', '--home', world.home.folder, 'serve', '--listen', '127.0.0.1:0', '--join', '127.0.0.1:0'];
    const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const ready = JSON.parse(line) as { ready: boolean; operator: string };
    expect(ready).to.include({ ready: true, folder: world.home.controlPlane });
    world.dial(ready.operator);
    expect((await world.json('release', 'list')).exitCode).to.equal(0);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
    expect((await world.json('release', 'list')).exitCode).to.equal(69);
  });
});
