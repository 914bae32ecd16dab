import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { expect } from 'chai';
import { UsageError } from '../../../shared/service/failure.ts';
import { serviceLog } from '../../../shared/service/service-log.ts';

describe('shared/service/service-log', () => {
  const before = process.env.KEYTURN_LOG;
  afterEach(() => {
    if (before === undefined) delete process.env.KEYTURN_LOG;
    else process.env.KEYTURN_LOG = before;
  });

  it('has the level that KEYTURN_LOG names, and info where it names none', () => {
    for (const [named, level] of [
      ['debug', 'debug'],
      ['silent', 'silent'],
      ['', 'info'],
    ] as const) {
      process.env.KEYTURN_LOG = named;
      expect(serviceLog('test').level).to.equal(level);
    }
  });

  it('refuses a level that there is not, and names those that there are', () => {
    process.env.KEYTURN_LOG = 'loud';
    expect(() => serviceLog('test')).to.throw(UsageError, 'KEYTURN_LOG "loud": expected one of trace, debug, info');
  });

  it('writes one line for each event, with where it comes from, what it brings and what it is', () => {
    process.env.KEYTURN_LOG = 'info';
    const lines: string[] = [];
    const log = serviceLog('agent', { write: (line) => lines.push(line) });
    log.debug({ run: 'r' }, 'not told');
    log.warn({ run: 'r', hint: undefined, text: 'two\nlines' }, 'happened');
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^[^\n]+\n$/);
    const { time, ...told } = JSON.parse(lines[0] as string);
    expect(time).to.be.closeTo(Date.now(), 60_000);
    const origin = { pid: process.pid, hostname: hostname(), name: 'agent' };
    expect(told).to.deep.equal({ level: 40, ...origin, run: 'r', text: 'two\nlines', msg: 'happened' });
  });

  it('tells an error with its code, its stack and its cause', () => {
    delete process.env.KEYTURN_LOG;
    const lines: string[] = [];
    const cause = new Error('the disk is full');
    serviceLog('agent', { write: (line) => lines.push(line) }).error({ err: new UsageError('x', 'y') }, 'a');
    serviceLog('agent', { write: (line) => lines.push(line) }).error({ err: new Error('b', { cause }) }, 'c');
    const [first, second] = lines.map((line) => JSON.parse(line).err);
    expect(first).to.include({ type: 'UsageError', message: 'x', hint: 'y' }).and.have.property('stack');
    expect(second.cause).to.include({ type: 'Error', message: 'the disk is full' });
  });

  it('ends nothing when nobody reads the log any more', async () => {
    const module = new URL('../../../shared/service/service-log.ts', import.meta.url).href;
    const script = `
      const { serviceLog } = await import('${module}');
      process.stdin.once('data', () => {
        for (let count = 0; count < 3; count += 1) serviceLog('t').info({}, 'told to nobody');
        process.stdout.write('went on');
        process.stdin.destroy();
      });
      process.stdout.write('ready ');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' });
    const ended = once(child, 'exit');
    const heard = new Promise<string>((resolve) => {
      let told = '';
      child.stdout.on('data', (piece) => {
        told += piece;
        if (told === 'ready ') child.stderr.destroy().once('close', () => child.stdin.write('now'));
      });
      child.stdout.once('end', () => resolve(told));
    });
    expect([await heard, await ended]).to.deep.equal(['ready went on', [0, null]]);
  });
});
