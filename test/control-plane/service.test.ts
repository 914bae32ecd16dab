/** One control plane on one folder: the lock, and what comes after a crash. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

import { type ControlPlane, createControlPlane, startControlPlane } from '../../control-plane/service.ts';
import { RejectedError } from '../../shared/errors.ts';
import { describeFailure } from '../../shared/service/failure.ts';

const PROGRAM = fileURLToPath(new URL('../support/control-plane-process.ts', import.meta.url));
const ANY_PORT = { host: '127.0.0.1', port: 0 };

describe('control-plane/service on one folder', () => {
  let folder: string;
  const running: ControlPlane[] = [];
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-service-'));
    await createControlPlane(folder);
  });
  afterEach(async () => {
    for (const plane of running.splice(0)) await plane.stop();
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (options: { gateway?: { host: string; port: number } } = {}): Promise<ControlPlane> => {
    const listen = { join: ANY_PORT, gateway: options.gateway ?? ANY_PORT };
    const plane = await startControlPlane({ folder, listen });
    running.push(plane);
    return plane;
  };

  const refusal = async (): Promise<RejectedError> => {
    const error: unknown = await start().catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(RejectedError);
    return error as RejectedError;
  };

  async function startProcess(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [PROGRAM, folder, '0', '0', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  }

  it('P8: is refused while another process runs it, in one line with its id and a hint, and free once that was killed', async () => {
    const child = await startProcess();
    const error = await refusal();
    expect(describeFailure('keyturn', error).split('\n')).to.deep.equal([
      `keyturn: failed to start: process ${child.pid} runs the control plane in "${folder}" [control-plane-running]`,
      `hint: stop it first (kill ${child.pid}), or name another folder with --folder`,
      '',
    ]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await start();
    expect((await refusal()).message).to.contain(`process ${process.pid} runs`);
  });

  it('is refused to the same process, too, and free once it was stopped', async () => {
    const first = await start();
    await refusal();
    await refusal();
    await first.stop();
    await start();
  });

  it('is free again when a start failed', async () => {
    const other = mkdtempSync(join(tmpdir(), 'keyturn-service-'));
    await createControlPlane(other);
    const taken = await startControlPlane({ folder: other, listen: { join: ANY_PORT, gateway: ANY_PORT } });
    running.push(taken);
    const [host = '', port] = taken.addresses.gateway.split(':');
    const failed = await start({ gateway: { host, port: Number(port) } }).catch((error: unknown) => error);
    expect(String(failed)).to.contain('EADDRINUSE');
    await start();
    rmSync(other, { recursive: true });
  });

  it('believes the lock, not the id that was written down', async () => {
    writeFileSync(join(folder, 'serve.pid'), `${process.ppid}\n`);
    await start();
    writeFileSync(join(folder, 'serve.pid'), 'no number');
    expect((await refusal()).message).to.contain('another process runs');
  });
});
