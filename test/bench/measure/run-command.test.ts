import { expect } from 'chai';
import { plainEnvironment, runCommand } from './run-command.ts';

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: Error) => error.message,
  );

describe('running a command', () => {
  it('returns what it printed, and how long it took', async () => {
    const { stdout, stderr, status, ms } = await runCommand(['/bin/sh', '-c', 'cat; echo err >&2; exit 10'], {
      input: 'in',
      expected: [0, 10],
    });
    expect({ stdout, stderr, status }).to.deep.equal({ stdout: 'in', stderr: 'err\n', status: 10 });
    expect(ms).to.be.above(0);
  });

  it('throws what was said last when it ends otherwise than expected', async () => {
    expect(await rejection(runCommand(['/bin/sh', '-c', 'echo broken >&2; exit 3']))).to.match(
      /exit 3, expected 0: broken$/,
    );
  });

  it('ends it and all that it has started when it takes too long', async () => {
    const message = await rejection(runCommand(['/bin/sh', '-c', 'sleep 600 | sleep 600'], { timeoutMs: 50 }));
    expect(message).to.match(/was ended after \d+ ms/);
  });

  it('does not wait for a process that was left behind with its pipes', async () => {
    const { stdout, ms } = await runCommand(['/bin/sh', '-c', 'echo pid; sleep 5 & echo $!']);
    process.kill(Number(stdout.split('\n')[1]));
    expect(ms).to.be.below(4_000);
  });

  it('gives no certificates, no options and no shell start-up to what it measures', () => {
    expect(Object.keys(plainEnvironment('/tmp')).sort()).to.deep.equal([
      'HOME',
      'LANG',
      'LC_ALL',
      'PATH',
      'SHLVL',
      'TMPDIR',
    ]);
  });
});
