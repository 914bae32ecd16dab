import { spawnSync } from 'node:child_process';
import { expect } from 'chai';

/** In a process of its own: afterwards nothing can be started any more. */
function run(program: string): { status: number | null; stdout: string } {
  const prelude = `
    import { spawn } from 'node:child_process';
    import { endStartedProcesses, startProcess } from '${import.meta.dirname}/started-processes.ts';
  `;
  const argv = ['--input-type=module', '--eval', prelude + program];
  return spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 20_000 });
}

describe('the processes that the benchmark has started', () => {
  it('are all ended on demand, with what a command has started in turn', () => {
    const { stdout, status } = run(`
      const service = startProcess(() => spawn('sleep', ['600']));
      const command = startProcess(() => spawn('sh', ['-c', 'sleep 601 & echo $!; wait'], { detached: true }), { isGroup: true });
      const inner = await new Promise((resolve) => command.stdout.once('data', (data) => resolve(Number(data))));
      await endStartedProcesses();
      console.log(service.signalCode, command.signalCode, inner);
    `);
    expect(status).to.equal(0);
    const [, inner] = /^SIGKILL SIGKILL (\d+)\n$/.exec(stdout) ?? [];
    expect(Number(inner)).to.be.above(1);
    expect(spawnSync('ps', ['-o', 'args=', '-p', String(inner)], { encoding: 'utf8' }).stdout).not.to.contain(
      'sleep 601',
    );
  });

  it('are no more than there are: one that has ended is not waited for, and none is started afterwards', () => {
    const { stdout, status } = run(`
      const ended = startProcess(() => spawn('true'));
      await new Promise((resolve) => ended.once('exit', resolve));
      await endStartedProcesses();
      try { startProcess(() => spawn('true')); } catch (error) { console.log(error.message); }
    `);
    expect({ stdout, status }).to.deep.equal({ stdout: 'the benchmark was told to stop\n', status: 0 });
  });
});
