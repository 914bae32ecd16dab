/**
 * What is installed: the bundles, run from an empty folder with an empty environment, far from the repository, do what the
 * sources do; and whoever makes them again gets the same bytes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Home } from '../../control-plane/cli/home.ts';
import { filesBelow } from '../support/command-line.ts';
import { writeFiles } from '../support/install-fixture.ts';
import { APP, INSTALL_ROOT, NEIGHBOUR_FILES, SECRET, SECRET_NAME, sampleRepository } from '../support/world-release.ts';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Where git and the tools of a project's own tests are; nothing else of the machine's is needed. */
const SYSTEM_PATH = '/usr/bin:/bin';
const HOST = 'host-1';

type Program = 'keyturn' | 'keyturn-agent';

describe('scripts/package.ts', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-package-'));
  const at = (...names: string[]) => join(folder, ...names);
  const services: ChildProcess[] = [];

  before(async () => {
    mkdirSync(at('empty'));
    await Promise.all(['first', 'second'].map((name) => packInto(at(name))));
  });
  after(async () => {
    for (const service of services) service.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function packInto(out: string): Promise<void> {
    const child = spawn(process.execPath, [join(repository, 'scripts', 'package.ts'), '--out', out], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
  }

  const launcher = (program: Program) => at('first', program, program);
  const globals: Readonly<Record<Program, readonly string[]>> = {
    keyturn: ['--home', at('home'), '--json'],
    'keyturn-agent': ['--state', at('agent')],
  };
  const run = (program: Program, argv: readonly string[], { path = '', input = '' } = {}) =>
    spawnSync(launcher(program), [...globals[program], ...argv], {
      cwd: at('empty'),
      env: path === '' ? {} : { PATH: path },
      input,
      encoding: 'utf8',
      timeout: 45_000,
    });

  /** Starts a service and waits for its first line. */
  async function serve(program: Program, ...argv: string[]): Promise<string> {
    const child = spawn(launcher(program), [...globals[program], ...argv], {
      cwd: at('empty'),
      env: { KEYTURN_LOG: 'silent' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    services.push(child);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return line;
  }

  it('makes the same bytes twice, for each program', () => {
    const files = filesBelow(at('first'));
    expect(filesBelow(at('second'))).to.deep.equal(files);
    expect(files).to.have.length.at.least(20);
    const digestOf = (name: string, file: string) =>
      createHash('sha256')
        .update(readFileSync(at(name, file)))
        .digest('hex');
    expect(files.filter((file) => digestOf('first', file) !== digestOf('second', file))).to.deep.equal([]);
    expect(
      files.filter((file) => statSync(at('first', file)).mode !== statSync(at('second', file)).mode),
    ).to.deep.equal([]);
  });

  it('names no folder of the machine that it was made on', () => {
    const code = filesBelow(at('first')).filter((file) => file.endsWith('.mjs'));
    expect(code).to.include.members(['keyturn/code/keyturn.mjs', 'keyturn-agent/code/keyturn-agent.mjs']);
    const telling = code.filter((file) => {
      const text = readFileSync(at('first', file), 'utf8');
      return text.includes(repository) || text.includes(folder);
    });
    expect(telling).to.deep.equal([]);
  });

  it('makes no more of Node than is asked for, and leaves out of the agent what it never asks for', () => {
    const code = (program: Program) =>
      filesBelow(at('first', program, 'code'))
        .filter((file) => file.endsWith('.mjs'))
        .map((file) => readFileSync(at('first', program, 'code', file), 'utf8'))
        .join('\n');
    const importing = /(^|;)import ?\{[^{}]+\} ?from ?"node:/m;
    expect([importing.test(code('keyturn')), importing.test(code('keyturn-agent'))]).to.deep.equal([false, false]);
    for (const mark of ['loadFileDescriptorSetFromBuffer', 'Pkcs10CertificateRequestGenerator']) {
      expect(code('keyturn-agent'), mark).not.to.include(mark);
      expect(readFileSync(at('first', 'keyturn-agent', 'keyturn-agent'), 'utf8')).to.include('--expose-gc');
    }
    expect(code('keyturn')).to.include('loadFileDescriptorSetFromBuffer');
  });

  it('starts from anywhere: by its path, by a symbolic link, from its own folder', () => {
    symlinkSync(launcher('keyturn'), at('link'));
    for (const [command, cwd] of [
      [launcher('keyturn'), at('empty')],
      [at('link'), at('empty')],
      ['./keyturn', at('first', 'keyturn')],
    ] as const) {
      const ended = spawnSync(command, ['--version'], { cwd, env: { PATH: SYSTEM_PATH }, encoding: 'utf8' });
      expect([ended.status, ended.stdout], ended.stderr).to.deep.equal([0, '0.1.0\n']);
    }
  });

  it('refuses an option that it does not know', () => {
    const ended = spawnSync(process.execPath, [join(repository, 'scripts', 'package.ts'), '--output', 'x'], {
      encoding: 'utf8',
    });
    expect(ended.status).to.equal(64);
    expect(ended.stderr).to.include("'--output'").and.include('--out DIR');
  });

  for (const program of ['keyturn', 'keyturn-agent'] as const) {
    it(`does a disk job of ${program} in a thread, from its own folder`, () => {
      writeFiles(at('empty-of-code', program), { file: 'content' });
      const script = `
        const { Worker } = require('node:worker_threads');
        const thread = new Worker(${JSON.stringify(at('first', program, 'code', 'disk-thread.mjs'))});
        thread.on('message', (message) => {
          process.stdout.write(JSON.stringify(message));
          thread.terminate();
        });
        const paths = [${JSON.stringify(at('empty-of-code', program, 'file'))}, '/nowhere'];
        thread.postMessage({ type: 'run', id: 7, name: 'hash-files', input: { paths } });`;
      const node = at('first', program, 'node');
      const ended = spawnSync(node, ['-e', script], { cwd: at('empty'), env: {}, encoding: 'utf8', timeout: 20_000 });
      const digest = createHash('sha256').update('content').digest('hex');
      expect(JSON.parse(ended.stdout), ended.stderr).to.deep.equal({ type: 'done', id: 7, output: [digest, null] });
    });
  }

  it('finds a secret, with the rules inside of the bundle', () => {
    const secret = ['xoxb', '123456789012', '1234567890123', 'AbCdEfGhIjKlMnOpQrStUvWx'].join('-');
    using source = sampleRepository({ version: '1.0', files: { 'beacon/settings.py': `TOKEN = "${secret}"\n` } });
    const argv = ['release', 'build', '--repo', source.path, '--ref', 'HEAD', '--release-version', '1.0'];
    const ended = run('keyturn', argv, { path: SYSTEM_PATH });
    expect(ended.status, ended.stderr).to.equal(77);
    const { error } = JSON.parse(ended.stdout);
    expect(error.code).to.equal('build-refused');
    expect(error.message).to.include('beacon/settings.py').and.not.include(secret);
    expect(filesBelow(at('empty'))).to.deep.equal([]);
  });

  it('holds a ceremony, builds, serves, pushes, enrols, runs an agent, and deploys to a verdict', async () => {
    const done = (ended: ReturnType<typeof run>, expected = 0): Record<string, never> => {
      expect(ended.status, ended.stderr).to.equal(expected);
      return ended.stdout.startsWith('{') ? JSON.parse(ended.stdout) : {};
    };
    const gap = 'G6:dryrun:operations:a dry run by hand:30';
    done(run('keyturn', ['init', '--app', APP, '--no-passphrase', '--accept-gap', gap]));
    using source = sampleRepository({ version: '1.0' });
    const build = ['release', 'build', '--repo', source.path, '--ref', 'HEAD', '--release-version', '1.0'];
    done(run('keyturn', [...build, '--out', at('beacon.ktr')], { path: SYSTEM_PATH }));
    const listen = JSON.parse(await serve('keyturn', 'serve', '--listen', '127.0.0.1:0', '--join', '127.0.0.1:0'));
    dial(listen.operator);
    done(run('keyturn', ['release', 'push', at('beacon.ktr')]));
    const { join: joining, gateway } = listen;
    const enrolment = at('host.enrolment');
    done(run('keyturn', ['host', 'token', HOST, '--join', joining, '--gateway', gateway, '--out', enrolment]));
    mkdirSync(at('root', INSTALL_ROOT), { recursive: true });
    writeFiles(at('root', INSTALL_ROOT), NEIGHBOUR_FILES);
    done(run('keyturn-agent', ['enrol', enrolment, '--install-root', INSTALL_ROOT, '--root-prefix', at('root')]));
    done(run('keyturn-agent', ['secret', SECRET_NAME], { input: SECRET }));
    expect(await serve('keyturn-agent', 'run')).to.equal(`agent ready: ${HOST}`);
    tellMemory('the agent, ready', services.at(-1)?.pid);
    const ledger = done(run('keyturn', ['deploy', `${APP}@1.0`, '--host', HOST, '--watch']), 10);
    expect(ledger).to.include({ verdict: 'B', phase: 'proven', host: HOST });
    expect(filesBelow(at('root', INSTALL_ROOT, `${APP}-1.0`)))
      .to.include('beacon/cli.py')
      .and.include('DEPLOY-MANIFEST.txt');
    tellMemory('the agent, after its first run', services.at(-1)?.pid);
    for (const service of services) {
      service.kill('SIGTERM');
      expect(await once(service, 'exit')).to.deep.equal([0, null]);
    }
  });

  function dial(address: string): void {
    const home = new Home(at('home'));
    for (const role of ['releaser', 'operator', 'viewer'] as const)
      home.saveOperator(role, { ...home.loadOperator(role), address });
  }
});

/** Told, not tested: it hangs on the machine and on what else runs there. */
function tellMemory(what: string, pid: number | undefined): void {
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mib = (name: string) => (Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(memory)?.[1]) / 1024).toFixed(1);
  process.stdout.write(`      ${what}: ${mib('Rss')} MiB resident, ${mib('Private_Dirty')} of its own\n`);
}
