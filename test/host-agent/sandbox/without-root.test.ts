import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { ProcessOutcome, SandboxLimits } from '../../../host-agent/sandbox/sandbox.ts';
import { asNobody, NOBODY } from '../../support/nobody.ts';
import { skipAloud } from '../../support/skip.ts';
import { processesSaying, ROOMY_LIMITS, requireSandbox, SandboxWorld } from './sandbox-world.ts';

const RUN_SPEC = fileURLToPath(new URL('run-spec.ts', import.meta.url));

describe('the sandbox of an agent that is not root', function () {
  this.timeout(60_000);
  let world: SandboxWorld;
  before(async function () {
    if (process.getuid?.() !== 0) {
      skipAloud(this, 'only root can start an agent as another user; the other suites run without root already');
    }
    world = new SandboxWorld(await requireSandbox(this));
    chmodSync(world.root, 0o755);
  });
  after(() => world?.remove());

  async function run(script: string, limits: Partial<SandboxLimits> = {}): Promise<ProcessOutcome> {
    const spec = world.spec(['/usr/bin/python3', '-c', script], { limits: { ...ROOMY_LIMITS, ...limits } });
    const [program, ...argv] = asNobody([process.execPath, RUN_SPEC, JSON.stringify(spec), '{"token":"hunter22"}']);
    const { stdout } = await promisify(execFile)(program, argv, { env: {} });
    return JSON.parse(stdout) as ProcessOutcome;
  }

  it('keeps its own user, without capabilities, and says how it limits', async () => {
    const outcome = await run("print(open('/proc/self/status').read())");
    expect(outcome.sandbox).to.deep.include({ kind: 'bubblewrap', uid: NOBODY, limits: 'rlimit' });
    for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(outcome.stdout.text).to.match(new RegExp(`${set}:\t0+\n`));
    expect(outcome.stdout.text)
      .to.match(/NoNewPrivs:\t1\n/)
      .and.match(/Seccomp:\t2\n/);
  });

  it('gives secrets to the payload alone', async () => {
    const outcome = await run(
      "import os; p = '/run/keyturn/secrets/token'; print(oct(os.stat(p).st_mode), os.stat(p).st_uid, open(p).read())",
    );
    expect(outcome.stdout.text).to.equal(`0o100400 ${NOBODY} hunter22\n`);
  });

  for (const folder of ['/run', '/home', '/root', '/var/tmp', '/dev', '/etc', '.']) {
    it(`lets nothing be written to ${folder}, though the payload has the agent’s user`, async () => {
      const before = world.onDisk();
      const outcome = await run(`open('${folder}/planted', 'w'); print('done')`);
      expect(outcome.stdout.text).to.equal('');
      expect(outcome.stderr.text).to.match(/Read-only file system|Permission denied/);
      expect(world.onDisk()).to.deep.equal(before);
    });
  }

  it('hides the agent’s state, though the payload has the agent’s user', async () => {
    const outcome = await run(`print(open('${world.state}/journal.db').read())`);
    expect(outcome.stderr.text).to.match(/No such file/);
  });

  it('lets no further user namespace be made', async () => {
    const outcome = await run('import ctypes; print(ctypes.CDLL(None).unshare(0x10000000))');
    expect(outcome.stdout.text).to.equal('-1\n');
  });

  it('bounds the memory of a process', async () => {
    const outcome = await run("x = b'x' * (1 << 30)", { memoryBytes: 200 * 1024 * 1024 });
    expect(outcome.stderr.text).to.match(/MemoryError/);
    expect(outcome.ended).to.deep.equal({ by: 'exit', code: 1 });
  });

  it('bounds a fork bomb and leaves none of it', async () => {
    const script = `
import os
while True:
    try: os.fork()
    except OSError as error: first = error.errno`;
    const outcome = await run(script, { wallMs: 1000, processCount: 24 });
    expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'wall' });
    expect(processesSaying('except OSError as error: first')).to.deep.equal([]);
  });
});
