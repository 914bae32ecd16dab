import { chmodSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  detectNoSandbox,
  type NoSandbox,
  type ProcessOutcome,
  runUnconfined,
  type SandboxSpec,
} from '../../../host-agent/sandbox/sandbox.ts';
import { skipAloud } from '../../support/skip.ts';
import { pidsOfUser, processesSaying, ROOMY_LIMITS, requireSandbox, SandboxWorld } from './sandbox-world.ts';

const MIB = 1024 * 1024;

describe('runUnconfined', function () {
  this.timeout(60_000);
  let world: SandboxWorld;
  let sandbox: NoSandbox;
  before(async function () {
    world = new SandboxWorld(await requireSandbox(this));
    chmodSync(world.root, 0o755);
    const found = detectNoSandbox();
    if (found === undefined) throw new Error('a machine with bubblewrap lacks prlimit, setpriv or env');
    sandbox = found;
  });
  after(() => world?.remove());

  function python(script: string, changes: Partial<SandboxSpec> = {}): Promise<ProcessOutcome> {
    return runUnconfined(world.spec(['/usr/bin/python3', '-c', script], changes), sandbox);
  }

  it('says that there was no sandbox', async () => {
    const outcome = await python("import os, sys; print(os.getcwd()); os.write(3, b'line'); sys.exit(3)", {
      fd3: 'collected',
    });
    expect(outcome.sandbox).to.include({ kind: 'none' });
    expect(outcome.ended).to.deep.equal({ by: 'exit', code: 3 });
    expect(outcome.stdout.text).to.equal(`${world.tree}\n`);
    expect(outcome.fd3Lines).to.deep.equal(['line']);
  });

  it('drops root all the same', async function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'this needs root');
    const outcome = await python("print(open('/proc/self/status').read())");
    expect(outcome.stdout.text)
      .to.match(/NoNewPrivs:\t1\n/)
      .and.match(/CapEff:\t0+\n/)
      .and.match(/CapBnd:\t0+\n/);
    expect(outcome.stdout.text).to.match(new RegExp(`Uid:\t${outcome.sandbox.uid}\t`));
    expect(outcome.sandbox.uid).to.be.greaterThan(0);
  });

  it('has in its group also what the payload forks at once, into a session of its own', async function () {
    const script = "setsid sh -c 'sleep 0.2; cat /proc/self/cgroup' & sleep 0.2; cat /proc/self/cgroup; wait";
    let runCount = 0;
    for (; runCount < 12; runCount++) {
      const outcome = await runUnconfined(world.spec(['sh', '-c', script]), sandbox);
      if (outcome.sandbox.limits === 'rlimit') skipAloud(this, 'no control groups on this machine');
      const hierarchies = outcome.sandbox.limits === 'cgroup-v1' ? 2 : 1;
      expect(outcome.stdout.text.split('/keyturn-').length - 1, outcome.stdout.text).to.equal(2 * hierarchies);
    }
    expect(runCount).to.equal(12);
  });

  it('gives no secrets, as there is no private place for them', async () => {
    const outcome = await python('print(1)', { secrets: { token: Buffer.from('hunter22') } });
    expect(outcome.ended).to.deep.equal({ by: 'not-started', reason: 'secrets need a sandbox to appear in' });
  });

  it('ends a daemon that hides: own session, deaf to SIGTERM, not dumpable', async function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'this needs root');
    const script = `
import ctypes, os, signal, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(4, 0)
        for fd in range(3): os.close(fd)
        time.sleep(1000.875)
    os._exit(0)
time.sleep(0.2)`;
    const outcome = await python(script);
    expect(outcome.ended).to.deep.equal({ by: 'exit', code: 0 });
    expect(pidsOfUser(outcome.sandbox.uid)).to.deep.equal([]);
    expect(processesSaying('1000.875')).to.deep.equal([]);
  });

  it('bounds a fork bomb and leaves none of it', async function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'this needs root');
    const script = `
import os
while True:
    try: os.fork()
    except OSError: unconfined = True`;
    const outcome = await python(script, { limits: { ...ROOMY_LIMITS, wallMs: 1000, processCount: 24 } });
    expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'wall' });
    expect(pidsOfUser(outcome.sandbox.uid)).to.deep.equal([]);
  });

  it('lets it have about as many processes as it may', async function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'this needs root');
    const script = `
import os, time
made = 0
try:
    while made < 100:
        if os.fork() == 0: time.sleep(1000); os._exit(0)
        made += 1
except OSError: pass
print(made)`;
    const outcome = await python(script, { limits: { ...ROOMY_LIMITS, processCount: 10 } });
    expect(Number(outcome.stdout.text)).to.be.within(9, 10);
  });

  it('bounds memory', async () => {
    const limits = { ...ROOMY_LIMITS, memoryBytes: 200 * MIB };
    const outcome = await python("x = b'x' * (1 << 30); print('done')", { limits });
    expect(outcome.stdout.text).to.equal('');
    if (outcome.sandbox.limits !== 'rlimit') expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'memory' });
  });

  it('is killed at once when aborted', async () => {
    const outcome = await python('import time; time.sleep(1000)', { signal: AbortSignal.timeout(300) });
    expect(outcome.ended).to.deep.equal({ by: 'aborted' });
    expect(outcome.durationMs).to.be.below(10_000);
  });

  it('leaves the agent in the control groups that it was in', async () => {
    const before = readFileSync('/proc/self/cgroup', 'utf8');
    await python('print(1)');
    expect(readFileSync('/proc/self/cgroup', 'utf8')).to.equal(before);
  });
});
