import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { ProcessOutcome, SandboxSpec } from '../../../host-agent/sandbox/sandbox.ts';
import { sha256 } from '../../../shared/digest.ts';
import { NOBODY } from '../../support/nobody.ts';
import { skipAloud } from '../../support/skip.ts';
import { ROOMY_LIMITS, requireSandbox, SandboxWorld } from './sandbox-world.ts';

const RUN_SPEC = fileURLToPath(new URL('run-spec.ts', import.meta.url));

describe('runInSandbox', function () {
  this.timeout(60_000);
  let world: SandboxWorld;
  before(async function () {
    world = new SandboxWorld(await requireSandbox(this));
  });
  after(() => world?.remove());

  it('reports an exit code with both streams, their sizes and digests', async () => {
    const outcome = await world.run(['sh', '-c', 'printf out; printf error >&2; exit 7']);
    expect(outcome.ended).to.deep.equal({ by: 'exit', code: 7 });
    expect(outcome.stdout).to.deep.equal({ text: 'out', totalBytes: 3, isTruncated: false, sha256: sha256('out') });
    expect(outcome.stderr.text).to.equal('error');
    expect(outcome.limitsHit).to.deep.equal([]);
    expect(outcome.sandbox).to.include({ kind: 'bubblewrap', version: world.sandbox.version });
  });

  it('reports the signal that a process died of', async () => {
    const outcome = await world.run(['sh', '-c', 'kill -SEGV $$']);
    expect(outcome.ended).to.deep.equal({ by: 'signal', signal: 'SIGSEGV' });
  });

  it('passes arguments as they are, with spaces, quotes and nothing expanded', async () => {
    const outcome = await world.run(['printf', '%s|', 'a b', '"$HOME"', '', '*', '-n', 'x=y']);
    expect(outcome.stdout.text).to.equal('a b|"$HOME"||*|-n|x=y|');
  });

  it('gives the fixed environment and the plan’s variables, and nothing of its own', async () => {
    process.env.KEYTURN_TEST_ONLY_SECRET = 'of the agent';
    const outcome = await world.run(['env'], { env: { MODE: 'dry run', LANG: 'C' } });
    delete process.env.KEYTURN_TEST_ONLY_SECRET;
    expect(outcome.stdout.text.trim().split('\n').sort()).to.deep.equal([
      'HOME=/tmp',
      'LANG=C',
      'MODE=dry run',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'PYTHONDONTWRITEBYTECODE=1',
      'TMPDIR=/tmp',
    ]);
  });

  it('starts in the working directory, below a folder that only the agent may enter', async () => {
    const outcome = await world.run(['sh', '-c', 'pwd; cat installed.txt']);
    expect(outcome.stdout.text).to.equal(`${world.tree}\nas installed`);
  });

  it('collects the lines of descriptor 3', async () => {
    const script = 'import os; os.write(3, b\'{"stopGate":"SG1"}\\n\'); os.write(3, b"unfinished")';
    const outcome = await world.python(script, { fd3: 'collected' });
    expect(outcome.ended).to.deep.equal({ by: 'exit', code: 0 });
    expect(outcome.fd3Lines).to.deep.equal(['{"stopGate":"SG1"}', 'unfinished']);
  });

  it('has nothing to read on stdin', async () => {
    const outcome = await world.python('import sys, os; print(repr(sys.stdin.read()), os.readlink("/proc/self/fd/0"))');
    expect(outcome.stdout.text).to.equal("'' /dev/null\n");
  });

  const OBSTACLES: readonly { name: string; change: (world: SandboxWorld) => Partial<SandboxSpec>; reason: RegExp }[] =
    [
      {
        name: 'a program that is not there',
        change: () => ({ argv: ['no-such-program'] }),
        reason: /"no-such-program"/,
      },
      {
        name: 'a working directory that is not there',
        change: ({ tree }) => ({ cwd: join(tree, 'gone') }),
        reason: /working directory ".*gone" is no folder/,
      },
      {
        name: 'a tree that is a file',
        change: ({ tree }) => ({ tree: join(tree, 'installed.txt'), cwd: join(tree, 'installed.txt') }),
        reason: /tree ".*" is no folder/,
      },
      {
        name: 'a writable path that is not there',
        change: ({ tree }) => ({ writable: [join(tree, 'gone')] }),
        reason: /ENOENT.*gone/,
      },
    ];
  it('has at least four obstacles', () => expect(OBSTACLES).to.have.length.of.at.least(4));
  for (const { name, change, reason } of OBSTACLES) {
    it(`tells ${name} as an outcome and runs nothing`, async () => {
      const outcome = await world.run(['true'], change(world));
      expect(outcome.ended.by).to.equal('not-started');
      expect(outcome.ended.by === 'not-started' && outcome.ended.reason).to.match(reason);
    });
  }

  it('tells a bubblewrap that is not there as an outcome', async () => {
    const programs = { ...world.sandbox.programs, bwrap: '/usr/bin/no-such-bwrap' };
    const broken = new SandboxWorld({ ...world.sandbox, programs });
    const outcome = await broken.run(['true']);
    broken.remove();
    expect(outcome.ended).to.deep.equal({ by: 'not-started', reason: 'spawn /usr/bin/no-such-bwrap ENOENT' });
  });

  it('tells a bubblewrap that fails as an outcome, with its words', async () => {
    const programs = { ...world.sandbox.programs, bwrap: '/usr/bin/env' };
    const broken = new SandboxWorld({ ...world.sandbox, programs });
    const outcome = await broken.run(['true']);
    broken.remove();
    expect(outcome.ended.by === 'not-started' && outcome.ended.reason).to.match(
      /^sandbox failed: \/usr\/bin\/env: unrec/,
    );
  });

  it('tells a launch chain that bubblewrap cannot start as an outcome', async () => {
    const programs = { ...world.sandbox.programs, prlimit: '/usr/bin/no-such-prlimit' };
    const broken = new SandboxWorld({ ...world.sandbox, programs });
    const outcome = await broken.run(['true']);
    broken.remove();
    expect(outcome.ended.by === 'not-started' && outcome.ended.reason).to.match(/^sandbox failed: bwrap: execvp/);
  });

  it('tells a tree that its user could not enter as an outcome', async function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'this needs root');
    chmodSync(world.tree, 0o700);
    const outcome = await world.run(['true']);
    chmodSync(world.tree, 0o755);
    expect(outcome.ended.by === 'not-started' && outcome.ended.reason).to.match(/closed to other users/);
  });

  it('runs as the user that the spec names', async function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'this needs root');
    const secrets = { token: Buffer.from('hunter22') };
    const argv = ['stat', '-c', '%u %g %a', '/run/keyturn/secrets/token', '/proc/self/'] as const;
    const outcome = await world.run([...argv], { user: { uid: NOBODY, gid: 60_001 }, secrets });
    expect(outcome.stdout.text).to.equal(`${NOBODY} 60001 400\n${NOBODY} 60001 555\n`);
    expect(outcome.sandbox.uid).to.equal(NOBODY);
  });

  it('lets no descriptor through that the agent itself inherited', async () => {
    const inherited = openSync(join(world.state, 'journal.db'), 'r');
    const spec = world.spec(['sh', '-c', 'for fd in /proc/self/fd/*; do readlink $fd; done']);
    const stdio = ['ignore', 'pipe', 'inherit', ...Array<'ignore'>(37).fill('ignore'), inherited] as const;
    const agent = spawn(process.execPath, [RUN_SPEC, JSON.stringify(spec)], { stdio: [...stdio] });
    closeSync(inherited);
    const exited = once(agent, 'exit');
    const outcome = JSON.parse(await text(agent.stdout as NodeJS.ReadableStream)) as ProcessOutcome;
    await exited;
    const open = outcome.stdout.text.trim().split('\n');
    const [input, output, error, ...others] = open;
    expect(input).to.equal('/dev/null');
    expect([output, error].every((target) => target?.startsWith('socket:'))).to.equal(true);
    expect(others.filter((target) => target !== '/dev/null' && !/^\/proc\/\d+\/fd/.test(target))).to.deep.equal([]);
  });

  it('leaves no descriptor, no child and no folder behind after fifty runs at once', async () => {
    await world.run(['true']);
    const before = openDescriptors();
    const childrenBefore = childrenOfThisProcess();
    const runs = Array.from({ length: 50 }, (_, index) => world.run(['sh', '-c', `echo ${index}; exit ${index % 3}`]));
    const outcomes = await Promise.all(runs);
    expect(outcomes.map(({ stdout }) => stdout.text)).to.deep.equal(outcomes.map((_, index) => `${index}\n`));
    expect(outcomes.map(({ ended }) => ended)).to.deep.equal(
      outcomes.map((_, index) => ({ by: 'exit', code: index % 3 })),
    );
    const users = new Set(outcomes.map(({ sandbox }) => sandbox.uid));
    if (process.getuid?.() === 0) expect(users.size).to.equal(50);
    expect(openDescriptors()).to.equal(before);
    expect(childrenOfThisProcess().filter((pid) => !childrenBefore.includes(pid))).to.deep.equal([]);
    expect(readdirSync(tmpdir()).filter((name) => name.includes('keyturn-run'))).to.deep.equal([]);
  });

  it('ends before its wall limit by a good margin when there is nothing to wait for', async () => {
    const outcome = await world.run(['true']);
    expect(outcome.durationMs).to.be.within(1, ROOMY_LIMITS.wallMs / 10);
  });
});

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function childrenOfThisProcess(): string[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    return readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean);
  });
}
