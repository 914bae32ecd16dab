/** The executable itself, as the conformance suite starts it: from any folder, with any Node, nothing but its exit code. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

import { TufRepository } from '../../support/tuf-repository.ts';
import { TufServer } from '../../support/tuf-server.ts';

const EXECUTABLE = fileURLToPath(new URL('../../../scripts/tuf-client', import.meta.url));

type Ended = { readonly exit: number | null; readonly stdout: string; readonly stderr: string };

describe('scripts/tuf-client', function () {
  this.timeout(60_000);
  let repository: TufRepository;
  let server: TufServer;
  let url: string;
  let folder: string;

  beforeEach(async () => {
    repository = new TufRepository();
    server = new TufServer(repository);
    url = await server.start();
    folder = mkdtempSync(join(tmpdir(), 'keyturn-tuf-client-'));
    for (const name of ['metadata', 'targets', 'elsewhere']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'initial.json'), repository.firstRoot);
  });
  afterEach(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** From another folder, with arguments in the order that the suite uses. */
  async function run(...args: string[]): Promise<Ended> {
    const child = spawn(EXECUTABLE, ['--metadata-dir', join(folder, 'metadata'), ...args], {
      cwd: join(folder, 'elsewhere'),
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (part: Buffer) => (output.stdout += part));
    child.stderr.on('data', (part: Buffer) => (output.stderr += part));
    const [exit] = (await once(child, 'close')) as [number | null];
    return { exit, ...output };
  }

  const silent: Ended = { exit: 0, stdout: '', stderr: '' };

  it('initialises, refreshes and downloads without a word', async () => {
    repository.addArtifact('targets', 'path/file.txt', 'content');
    repository.publish('targets', 'snapshot', 'timestamp');
    expect(await run('init', join(folder, 'initial.json'))).to.deep.equal(silent);
    expect(readdirSync(join(folder, 'metadata'))).to.deep.equal(['root.json']);
    expect(repository.metadataRequests).to.deep.equal([]);

    expect(await run('--metadata-url', `${url}/metadata`, 'refresh')).to.deep.equal(silent);
    for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
      expect(readFileSync(join(folder, 'metadata', `${role}.json`)).equals(repository.newest(role))).to.equal(true);
    }

    const places = ['--metadata-url', `${url}/metadata/`, '--target-base-url', `${url}/targets/`];
    const download = ['--target-name', 'path/file.txt', '--target-dir', join(folder, 'targets'), 'download'];
    expect(await run(...places, ...download)).to.deep.equal(silent);
    expect(readFileSync(join(folder, 'targets', 'path%2Ffile.txt'), 'utf8')).to.equal('content');
    expect(readdirSync(join(folder, 'elsewhere'))).to.deep.equal([]);
  });

  it('takes a target name as often as it is given, and needs one', async () => {
    for (const name of ['first', 'second']) repository.addArtifact('targets', name, name);
    repository.publish('targets', 'snapshot', 'timestamp');
    await run('init', join(folder, 'initial.json'));
    const places = ['--metadata-url', `${url}/metadata/`, '--target-base-url', `${url}/targets/`];
    const into = ['--target-dir', join(folder, 'targets')];
    expect((await run(...places, ...into, 'download')).stderr).to.include('expected --target-name');
    const names = ['--target-name', 'second', '--target-name', 'first'];
    expect(await run(...places, ...names, ...into, 'download')).to.deep.equal(silent);
    expect(readdirSync(join(folder, 'targets'))).to.deep.equal(['first', 'second']);
  });

  it('exits with 1 and one line when it refuses', async () => {
    await run('init', join(folder, 'initial.json'));
    repository.signers.set('timestamp', []);
    repository.publish('timestamp');
    const { exit, stdout, stderr } = await run('--metadata-url', `${url}/metadata`, 'refresh');
    expect({ exit, stdout }).to.deep.equal({ exit: 1, stdout: '' });
    expect(stderr).to.match(/^tuf-client: failed to refresh trust: .*timestamp.*\n$/);
  });

  it('exits with 1 on a command or a flag that it does not know, and on a server that is not there', async () => {
    await run('init', join(folder, 'initial.json'));
    await server.stop();
    expect((await run('--metadata-url', `${url}/metadata`, 'refresh')).stderr).to.include('failed to fetch');
    expect((await run('polish')).stderr).to.include('unknown command "polish"');
    expect((await run('refresh')).stderr).to.include('expected --metadata-url');
    expect((await run('--speed', '9', 'refresh')).exit).to.equal(1);
    expect((await run('init', join(folder, 'absent.json'))).exit).to.equal(1);
    server = new TufServer(repository);
    await server.start();
  });
});
