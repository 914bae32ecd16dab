/** `scripts/with-runtime.mjs` in a repository as small as can be, beside an npm that only notes what it was asked. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const SOURCE = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'scripts', 'with-runtime.mjs');
const RUNTIME_PACKAGE = `node-${process.platform}-${process.arch}`;

describe('scripts/with-runtime.mjs', function () {
  this.timeout(20_000);
  let folder: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-runtime-'));
    mkdirSync(join(folder, 'scripts'));
    mkdirSync(join(folder, 'bin'));
    cpSync(SOURCE, join(folder, 'scripts', 'with-runtime.mjs'));
    writeFileSync(join(folder, 'package-lock.json'), '{"lockfileVersion": 3}');
    writeNpm(
      `mkdir -p "$PWD/node_modules/${RUNTIME_PACKAGE}/bin"\nln -s '${process.execPath}' "$PWD/node_modules/${RUNTIME_PACKAGE}/bin/node"`,
    );
    writeFileSync(
      join(folder, 'tell.mjs'),
      'process.stdout.write(JSON.stringify({ argv: process.argv.slice(2), exec: process.execPath }));\n',
    );
    // The stand-in for npm writes with the tools of the system.
    for (const tool of ['mkdir', 'ln', 'sh', 'cat']) symlinkSync(`/bin/${tool}`, join(folder, 'bin', tool));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  function writeNpm(action: string): void {
    const npm = join(folder, 'bin', 'npm');
    writeFileSync(npm, `#!/bin/sh\necho "$@" >> "$PWD/npm-calls"\n${action}\n`);
    chmodSync(npm, 0o755);
  }

  const argv = (script: string, args: readonly string[]) => [
    join(folder, 'scripts', 'with-runtime.mjs'),
    script,
    ...args,
  ];
  const options = () => ({ cwd: tmpdir(), env: { PATH: join(folder, 'bin') } });
  const run = (script: string, ...args: string[]) =>
    spawnSync(process.execPath, argv(join(folder, script), args), { ...options(), encoding: 'utf8', timeout: 15_000 });
  const npmCalls = () =>
    existsSync(join(folder, 'npm-calls')) ? readFileSync(join(folder, 'npm-calls'), 'utf8').trim().split('\n') : [];

  it('installs once, in the repository, then runs the script with its arguments', () => {
    const first = run('tell.mjs', 'a', '--b', 'c d');
    expect(first.status, first.stderr).to.equal(0);
    expect(JSON.parse(first.stdout).argv).to.deep.equal(['a', '--b', 'c d']);
    expect(first.stderr).to.include('installing npm packages (once)');
    expect(npmCalls()).to.have.length(1);
    expect(npmCalls()[0]).to.match(/^ci /);
    const second = run('tell.mjs');
    expect([second.status, second.stderr]).to.deep.equal([0, '']);
    expect(npmCalls()).to.have.length(1);
  });

  it('installs again when the lock file has changed', () => {
    run('tell.mjs');
    rmSync(join(folder, 'node_modules', RUNTIME_PACKAGE), { recursive: true });
    writeFileSync(join(folder, 'package-lock.json'), '{"lockfileVersion": 3, "packages": {}}');
    expect(run('tell.mjs').status).to.equal(0);
    expect(npmCalls()).to.have.length(2);
  });

  it('ends with 69 when npm fails, runs nothing, and tries again the next time', () => {
    writeNpm('exit 7');
    const failed = run('tell.mjs');
    expect([failed.status, failed.stdout]).to.deep.equal([69, '']);
    expect(failed.stderr).to.include('npm ci failed').and.include(folder).and.include('7');
    run('tell.mjs');
    expect(npmCalls()).to.have.length(2);
  });

  it('ends with 69 when there is no npm', () => {
    rmSync(join(folder, 'bin', 'npm'));
    const failed = run('tell.mjs');
    expect([failed.status, failed.stdout]).to.deep.equal([69, '']);
    expect(failed.stderr).to.include('npm ci failed').and.include('ENOENT');
  });

  it('ends with 69 when the pinned Node is missing, says where it should be, and what to do', () => {
    writeNpm('mkdir -p "$PWD/node_modules"');
    const failed = run('tell.mjs');
    expect([failed.status, failed.stdout]).to.deep.equal([69, '']);
    expect(failed.stderr)
      .to.include(join(folder, 'node_modules', RUNTIME_PACKAGE, 'bin', 'node'))
      .and.include('hint:');
  });

  for (const code of [0, 1, 10, 64, 77]) {
    it(`passes on the exit code ${code}`, () => {
      writeFileSync(join(folder, 'end.mjs'), `process.exit(${code});\n`);
      expect(run('end.mjs').status).to.equal(code);
    });
  }

  it('passes a signal on, and the exit code of who understood it', async () => {
    const code = "process.on('SIGTERM', () => process.exit(33));";
    const child = await started(code);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).to.deep.equal([33, null]);
  });

  it('ends by the signal by which the script ended', async () => {
    const child = await started('');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).to.deep.equal([null, 'SIGTERM']);
  });

  /** A script that says when it is ready, and lives until it is told otherwise. */
  async function started(code: string): Promise<ChildProcess> {
    writeFileSync(join(folder, 'wait.mjs'), `${code}\nsetInterval(() => {}, 1 << 30);\nconsole.log('ready');\n`);
    const child = spawn(process.execPath, argv(join(folder, 'wait.mjs'), []), {
      ...options(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    await once(createInterface({ input: child.stdout }), 'line');
    return child;
  }
});
