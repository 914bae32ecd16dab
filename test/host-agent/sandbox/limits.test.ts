import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { ProcessOutcome, SandboxLimits } from '../../../host-agent/sandbox/sandbox.ts';
import { skipAloud } from '../../support/skip.ts';
import { pidsOfUser, processesSaying, ROOMY_LIMITS, requireSandbox, SandboxWorld } from './sandbox-world.ts';

const RUN_SPEC = fileURLToPath(new URL('run-spec.ts', import.meta.url));
const MIB = 1024 * 1024;

function limitedTo(limits: Partial<SandboxLimits>): { limits: SandboxLimits } {
  return { limits: { ...ROOMY_LIMITS, ...limits } };
}

describe('the sandbox, on a payload that', function () {
  this.timeout(60_000);
  let world: SandboxWorld;
  before(async function () {
    world = new SandboxWorld(await requireSandbox(this));
  });
  after(() => world?.remove());

  it('hangs, ends it at the wall limit', async () => {
    const outcome = await world.run(['sleep', '1000.125'], limitedTo({ wallMs: 300 }));
    expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'wall' });
    expect(outcome.limitsHit).to.deep.equal(['wall']);
    expect(outcome.durationMs).to.be.within(300, 3000);
    expectNothingLeft(outcome, '1000.125');
  });

  it('cleans up on SIGTERM, lets it do so within its grace', async () => {
    const script = `
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print('cleaned up'), sys.exit(0)))
print('ready', flush=True)
time.sleep(1000)`;
    const outcome = await world.python(script, limitedTo({ wallMs: 1000, killGraceMs: 20_000 }));
    expect(outcome.stdout.text).to.equal('ready\ncleaned up\n');
    expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'wall' });
    expect(outcome.durationMs).to.be.below(15_000);
  });

  it('ignores SIGTERM, kills it after its grace', async () => {
    const script = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000.25)';
    const outcome = await world.python(script, limitedTo({ wallMs: 500, killGraceMs: 400 }));
    expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'wall' });
    expect(outcome.durationMs).to.be.within(900, 4000);
    expectNothingLeft(outcome, '1000.25');
  });

  it('leaves a daemon behind, forked twice, in its own session and deaf to SIGTERM, ends it with the payload', async () => {
    const script = `
import os, signal, time
if os.fork() == 0:
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        for fd in range(3): os.close(fd)
        os.execv('/bin/sleep', ['sleep', '1000.375'])
    os._exit(0)
def names(): return [open('/proc/%s/comm' % p).read() for p in os.listdir('/proc') if p.isdigit()]
while 'sleep\\n' not in names(): time.sleep(0.01)
print('daemon lives')`;
    const outcome = await world.python(script);
    expect(outcome.stdout.text).to.equal('daemon lives\n');
    expect(outcome.ended).to.deep.equal({ by: 'exit', code: 0 });
    expect(outcome.durationMs).to.be.below(10_000);
    expectNothingLeft(outcome, '1000.375');
  });

  it('forks without end, bounds it and leaves none of them', async () => {
    const script = `
import os
while True:
    try: os.fork()
    except OSError: pass`;
    const outcome = await world.python(script, limitedTo({ wallMs: 1000, processCount: 24 }));
    expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'wall' });
    if (outcome.sandbox.limits !== 'rlimit') expect(outcome.limitsHit).to.include('processes');
    expectNothingLeft(outcome, 'try: os.fork()');
  });

  it('may have so many processes, lets it have exactly these', async () => {
    const script = `
import os, time
made = 0
try:
    while made < 100:
        if os.fork() == 0: time.sleep(1000); os._exit(0)
        made += 1
except OSError: pass
print(made)`;
    const outcome = await world.python(script, limitedTo({ processCount: 10 }));
    expect(outcome.stdout.text).to.equal('9\n');
  });

  it('takes more memory than it may, ends it', async () => {
    const outcome = await world.python("x = b'x' * (1 << 30); print(len(x))", limitedTo({ memoryBytes: 96 * MIB }));
    expect(outcome.stdout.text).to.equal('');
    if (outcome.sandbox.limits === 'rlimit') expect(outcome.stderr.text).to.match(/MemoryError/);
    else expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'memory' });
  });

  it('takes memory through many processes, counts them together', async function () {
    const script = `
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = b'x' * (40 << 20); time.sleep(1000)
time.sleep(20)`;
    const outcome = await world.python(script, limitedTo({ memoryBytes: 128 * MIB, wallMs: 1500 }));
    if (outcome.sandbox.limits === 'rlimit')
      skipAloud(this, 'without control groups memory is bounded for each process alone');
    expect(outcome.limitsHit).to.deep.equal(['memory', 'wall']);
    expectNothingLeft(outcome, 'x = b');
  });

  it('fills its private /tmp, stops it at its size', async () => {
    const outcome = await world.run(
      ['dd', 'if=/dev/zero', 'of=/tmp/full', 'bs=1M', 'count=16'],
      limitedTo({ tmpBytes: 4 * MIB }),
    );
    expect(outcome.stderr.text).to.match(/No space left on device/);
    expect(outcome.ended).to.deep.equal({ by: 'exit', code: 1 });
  });

  it('writes a file larger than it may, ends it', async () => {
    const argv = ['dd', 'if=/dev/zero', 'of=/tmp/large', 'bs=64K', 'count=64'] as const;
    const outcome = await world.run([...argv], limitedTo({ fileBytes: MIB }));
    expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'file-size' });
    expect(outcome.limitsHit).to.deep.equal(['file-size']);
  });

  it('spins, ends it at its processor time', async () => {
    const outcome = await world.python('while True: pass', limitedTo({ cpuSeconds: 1 }));
    expect(outcome.ended).to.deep.equal({ by: 'limit', limit: 'cpu' });
    expect(outcome.durationMs).to.be.within(1000, 20_000);
  });

  it('prints a gibibyte, kills it early and stays small itself', async () => {
    const seen = await printGibibyte(ROOMY_LIMITS.outputBytes);
    expect(seen.grownBytes).to.be.below(64 * MIB);
    expect(seen.ended).to.deep.equal({ by: 'limit', limit: 'output' });
    // A busy machine takes its time to deliver the signal.
    expect(seen.totalBytes).to.be.within(64 * ROOMY_LIMITS.outputBytes, 768 * MIB);
    expect(seen.textLength).to.be.below(ROOMY_LIMITS.outputBytes + 100);
    expect(seen.isTruncated).to.equal(true);
  });

  it('prints a gibibyte that it may, takes all of it and stays small itself', async () => {
    const seen = await printGibibyte(20 * MIB);
    expect(seen.ended).to.deep.equal({ by: 'exit', code: 0 });
    expect(seen.totalBytes).to.equal(1024 * MIB);
    // As `head -c 1G /dev/zero | sha256sum` prints it.
    expect(seen.sha256).to.equal('49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14');
    // Head and tail of 20 MiB each, as bytes and as text, and what waits to be collected: far from the gibibyte.
    expect(seen.grownBytes).to.be.below(256 * MIB);
  });

  it('writes too many and too long lines to descriptor 3, keeps a bounded number of whole ones', async () => {
    const script = `
import os
os.write(3, b'x' * 100000 + b'\\n')
for number in range(1000): os.write(3, b'%d\\n' % number)`;
    const outcome = await world.python(script, { fd3: 'collected' });
    expect(outcome.fd3Lines).to.have.lengthOf(256);
    expect(outcome.fd3Lines.slice(0, 2)).to.deep.equal(['0', '1']);
  });

  it('is aborted while it runs, kills it at once', async () => {
    const abort = new AbortController();
    const script = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000.5)';
    const running = world.python(script, { signal: abort.signal, ...limitedTo({ killGraceMs: 60_000 }) });
    while (processesSaying('1000.5').length === 0) await delay(5);
    abort.abort();
    const outcome = await running;
    expect(outcome.ended).to.deep.equal({ by: 'aborted' });
    expect(outcome.durationMs).to.be.below(10_000);
    expectNothingLeft(outcome, '1000.5');
  });

  it('is aborted before it starts, never lets it start', async () => {
    const outcome = await world.run(['sh', '-c', 'echo started; sleep 1000'], { signal: AbortSignal.abort() });
    expect(outcome.ended).to.deep.equal({ by: 'aborted' });
    expect(outcome.stdout.totalBytes).to.equal(0);
  });

  it('loses its agent, ends with it', async () => {
    const spec = world.spec(['sleep', '1000.625']);
    const agent = spawn(process.execPath, [RUN_SPEC, JSON.stringify(spec)], { stdio: 'ignore' });
    const exited = once(agent, 'exit');
    while (!processesSaying('1000.625').some((commandLine) => commandLine.startsWith('sleep'))) await delay(5);
    agent.kill('SIGKILL');
    await exited;
    while (processesSaying('1000.625').length > 0) await delay(5);
  });

  it('has ended, leaves no control group', () => {
    const groups = readdirSync('/sys/fs/cgroup', { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && entry.name.startsWith(`keyturn-${process.pid}-`),
    );
    expect(groups.map(({ name }) => name)).to.deep.equal([]);
  });
});
function expectNothingLeft(outcome: ProcessOutcome, commandLine: string): void {
  expect(processesSaying(commandLine)).to.deep.equal([]);
  if (process.getuid?.() === 0) expect(pidsOfUser(outcome.sandbox.uid)).to.deep.equal([]);
}

interface PrintedGibibyte {
  readonly ended: ProcessOutcome['ended'];
  readonly totalBytes: number;
  readonly sha256: string;
  readonly isTruncated: boolean;
  readonly textLength: number;
  /** How much the process that ran the sandbox grew at its peak. */
  readonly grownBytes: number;
}

async function printGibibyte(outputBytes: number): Promise<PrintedGibibyte> {
  const program = fileURLToPath(new URL('./print-a-gibibyte.ts', import.meta.url));
  const child = spawn(process.execPath, [program, String(outputBytes)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  return JSON.parse(Buffer.concat(chunks).toString()) as PrintedGibibyte;
}
