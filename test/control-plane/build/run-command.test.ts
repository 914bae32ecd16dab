import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CommandRequest, endText, runCommand } from '../../../control-plane/build/run-command.ts';

describe('run command', function () {
  this.timeout(10_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-run-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = (argv: readonly string[], options: Partial<CommandRequest> = {}) =>
    runCommand({
      argv,
      cwd: folder,
      env: { PATH: process.env.PATH ?? '' },
      timeoutMs: 8000,
      keepBytes: 1000,
      ...options,
    });

  it('gives both streams and the exit code', async () => {
    const result = await run(['sh', '-c', 'cat; echo out; echo err >&2; exit 3'], { input: Buffer.from('in ') });
    expect([result.stdout.toString(), result.stderr.toString(), endText(result.end)]).to.deep.equal([
      'in out\n',
      'err\n',
      'exit 3',
    ]);
  });

  it('uses no shell', async () => {
    const result = await run(['echo', '$(touch owned); * > x']);
    expect(result.stdout.toString()).to.equal('$(touch owned); * > x\n');
  });

  it('passes nothing of its own environment on', async () => {
    const result = await run(['env'], { env: { PATH: process.env.PATH ?? '', ONLY: 'this' } });
    expect(
      result.stdout
        .toString()
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0])
        .sort(),
    ).to.deep.equal(['ONLY', 'PATH']);
  });

  it('says why a command could not be started', async () => {
    expect(endText((await run(['no-such-program'])).end)).to.equal('not started: ENOENT');
    expect(endText((await run(['sh', '-c', 'exit 0'], { cwd: join(folder, 'gone') })).end)).to.equal(
      'not started: ENOENT',
    );
  });

  it('kills a command and its children when its time is over', async () => {
    const result = await run(['sh', '-c', 'sleep 600 & echo $! > child; wait'], { timeoutMs: 300 });
    expect(endText(result.end)).to.equal('time limit');
    expect(await isGone(childOf(folder))).to.equal(true);
  });

  it('kills what a command leaves behind in its group', async () => {
    const result = await run(['sh', '-c', 'sleep 600 & echo $! > child']);
    expect(endText(result.end)).to.equal('exit 0');
    expect(await isGone(childOf(folder))).to.equal(true);
  });

  it('is stopped by its signal, before its start and later', async () => {
    expect(endText((await run(['sleep', '600'], { signal: AbortSignal.abort() })).end)).to.equal('aborted');
    expect(endText((await run(['sleep', '600'], { signal: AbortSignal.timeout(100) })).end)).to.equal('aborted');
  });

  it('keeps the last bytes of an output without end, and counts the rest', async () => {
    const result = await run(['sh', '-c', 'i=0; while [ $i -lt 3000 ]; do echo "line number $i"; i=$((i+1)); done']);
    expect(result.stdout.length).to.equal(1000);
    expect(result.stdout.toString().endsWith('line number 2999\n')).to.equal(true);
    expect([result.isCut, result.outputBytes]).to.deep.equal([true, 49_890]);
  });
});

function childOf(folder: string): number {
  return Number(readFileSync(join(folder, 'child'), 'utf8'));
}

/** A process that is only waited for by nobody counts as dead: it runs nothing any more. */
/** SIGKILL is sent, not awaited: the kernel ends the process a moment later. False when it has not within ten seconds. */
async function isGone(pid: number): Promise<boolean> {
  const giveUpAt = performance.now() + 10_000;
  while (isAlive(pid)) {
    if (performance.now() > giveUpAt) return false;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false; // ESRCH or ENOENT: it is gone
  }
}
