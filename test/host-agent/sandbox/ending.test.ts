/** How a process is asked to end, and what happens to one that will not. */
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { ProcessOutcome, SandboxSpec } from '../../../host-agent/sandbox/sandbox.ts';
import { ROOMY_LIMITS, requireSandbox, SandboxWorld } from './sandbox-world.ts';

const READY = 'import os, signal, sys, time\n';

describe('a process that is asked to end', function () {
  this.timeout(60_000);
  let world: SandboxWorld;
  let out: string;
  before(async function () {
    world = new SandboxWorld(await requireSandbox(this));
    out = join(world.root, 'out');
    mkdirSync(out);
    chmodSync(out, 0o777);
  });
  after(() => world?.remove());

  /** Asks once the process is ready, which it tells by a file. */
  async function asked(script: string, change: Partial<SandboxSpec> = {}): Promise<ProcessOutcome> {
    const ending = new AbortController();
    const said = join(out, 'ready');
    rmSync(said, { force: true });
    const whole = `${READY}${script}\nopen("${said}", "w").close()\ntime.sleep(1000)`;
    const running = world.python(whole, { ending: ending.signal, writable: [out], ...change });
    while (!existsSync(said)) await delay(2);
    ending.abort();
    return running;
  }

  it('gets SIGTERM, and says what it has to say', async () => {
    const script = 'signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), os._exit(3)))';
    expect(await asked(script)).to.deep.include({ ended: { by: 'exit', code: 3 } });
  });

  it('gets SIGTERM in all of its group', async () => {
    // Each child has its handler from the fork on, so that none can be asked before it would answer.
    const script = `signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"child\\n"), os._exit(0)))
for _ in range(3):
    if os.fork() == 0:
        time.sleep(1000)
def end(*_):
    for _ in range(3): os.wait()
    os._exit(0)
signal.signal(signal.SIGTERM, end)`;
    const { ended, stdout } = await asked(script, { limits: { ...ROOMY_LIMITS, killGraceMs: 5_000 } });
    expect(stdout.text).to.equal('child\n'.repeat(3));
    expect(ended).to.deep.equal({ by: 'exit', code: 0 });
  });

  it('gets SIGKILL after its grace when it ignores that', async () => {
    const script = 'signal.signal(signal.SIGTERM, signal.SIG_IGN)';
    expect((await asked(script)).ended).to.deep.equal({ by: 'signal', signal: 'SIGKILL' });
  });

  it('is killed at once by who has no patience left', async () => {
    const stopping = new AbortController();
    const ending = new AbortController();
    const script = 'signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(1000)';
    const limits = { ...ROOMY_LIMITS, killGraceMs: 25_000 };
    const running = world.python(READY + script, { ending: ending.signal, signal: stopping.signal, limits });
    ending.abort();
    setImmediate(() => stopping.abort());
    const { ended, durationMs } = await running;
    expect(ended).to.deep.equal({ by: 'signal', signal: 'SIGKILL' });
    expect(durationMs).to.be.below(20_000);
  });

  it('before it has begun ends all the same', async () => {
    const { ended } = await world.python('import time; time.sleep(1000)', { ending: AbortSignal.abort() });
    expect(ended.by).to.not.equal('exit');
  });

  it('may write more than a check where it is allowed to, and no more than that', async () => {
    const script = 'sys.stdout.write("x" * 3_000_000)';
    const limits = { ...ROOMY_LIMITS, outputBytes: 1024 };
    expect((await world.python(`import sys\n${script}`, { limits })).ended).to.deep.equal({
      by: 'limit',
      limit: 'output',
    });
    const allowed = await world.python(`import sys\n${script}`, { limits: { ...limits, allOutputBytes: 3_000_000 } });
    expect(allowed.ended).to.deep.equal({ by: 'exit', code: 0 });
    expect(allowed.stdout.totalBytes).to.equal(3_000_000);
    const over = await world.python(`import sys\n${script}`, { limits: { ...limits, allOutputBytes: 2_000_000 } });
    expect(over.ended).to.deep.equal({ by: 'limit', limit: 'output' });
  });

  it('has its last lines of descriptor 3 kept where those count, else its first', async () => {
    const script = 'import os\nfor line in range(1000): os.write(3, f"{line}\\n".encode())';
    const first = await world.python(script, { fd3: 'collected' });
    const last = await world.python(script, { fd3: 'latest' });
    expect([first.fd3Lines[0], first.fd3Lines.length]).to.deep.equal(['0', 256]);
    expect([last.fd3Lines.at(-1), last.fd3Lines.length]).to.deep.equal(['999', 256]);
  });
});
