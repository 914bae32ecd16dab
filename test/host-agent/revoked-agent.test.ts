/** An agent in a process of its own, whose host is put out: it says so once, and ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { OperatorClient } from '../../control-plane/cli/client.ts';
import { enrolHost } from '../../host-agent/host/enrol-host.ts';
import { ControlPlaneWorld, HOUR_MS } from '../support/control-plane-world.ts';
import { policyBytes } from './run/signed-world.ts';
import { TrustRoot } from './run/trust-root.ts';

const MAIN = fileURLToPath(import.meta.resolve('../../host-agent/main.ts'));
const HOST = 'devhost-1';

describe('an agent whose host is put out', function () {
  this.timeout(30_000);
  let world: ControlPlaneWorld;
  let operator: OperatorClient;
  const agents: ChildProcess[] = [];
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    operator = await world.operator('operator');
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) agent.kill('SIGKILL');
    await world.stop();
  });

  const state = () => join(world.folder, 'agent');

  async function enrol(): Promise<void> {
    const { baseline } = new TrustRoot({ now: new Date(), policy: policyBytes() });
    const { token } = await operator.createJoinToken({ host: HOST, lifetimeMs: HOUR_MS });
    const { join: joining, gateway } = world.controlPlane.addresses;
    await enrolHost(state(), {
      bundle: {
        schema: 'keyturn.enrolment/v1',
        host: HOST,
        addresses: { join: joining, gateway },
        caCertificate: world.caCertificate,
        token,
        trust: Object.fromEntries([...baseline].map(([name, bytes]) => [name, Buffer.from(bytes)])),
      },
      config: { installRoots: ['/opt/dot'], labels: {}, rootPrefix: world.folder },
      now: new Date(),
    });
  }

  function start() {
    const agent = spawn(process.execPath, [MAIN, '--state', state(), 'run'], { stdio: ['ignore', 'pipe', 'pipe'] });
    agents.push(agent);
    const written = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      agent[name].setEncoding('utf8').on('data', (text: string) => {
        written[name] += text;
      });
    return { closed: once(agent, 'close'), written };
  }

  async function isConnected(): Promise<boolean> {
    return (await operator.listHosts({})).hosts.some(({ isConnected }) => isConnected);
  }

  it('ends with 77, says why in its log and at its end, and what to do', async () => {
    await enrol();
    const { closed, written } = start();
    while (!(await isConnected())) await new Promise(setImmediate);
    await operator.revokeHost({ host: HOST });
    const [code] = await closed;
    expect([code, written.stderr]).to.satisfy(() => code === 77, written.stderr);
    expect(written.stdout + written.stderr).to.match(/"link":"closed","code":"host-revoked"/);
    expect(written.stderr).to.match(
      /keyturn-agent: failed to stay linked to ".*": its control plane has put host "devhost-1" out.* \[host-revoked\]\nhint: /,
    );
    expect(written.stderr).not.to.include('unsettled');
  });

  it('ends the same way when it is started again', async () => {
    await enrol();
    await operator.revokeHost({ host: HOST });
    const { closed, written } = start();
    const [code] = await closed;
    expect(code, written.stderr).to.equal(77);
    expect(written.stderr).to.include('[host-revoked]');
  });
});
