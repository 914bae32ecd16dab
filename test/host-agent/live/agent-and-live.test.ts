/** P3, P4, P8: the whole agent and what runs live by its gate: started, killed with SIGKILL, stopped, started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type LiveRunRecord, verifyLiveRun } from '../../../shared/orders/live-run.ts';
import { OUT, ProvenWorld } from '../../support/proven-world.ts';
import { APP } from '../../support/world-release.ts';
import { pidsSaying, requireSandbox } from '../sandbox/sandbox-world.ts';

const AGENT = fileURLToPath(new URL('../../support/world-killed-agent.ts', import.meta.url));
/** A duration that no other process on the machine sleeps for. */
const SLEEPS = '1000.40625';
const STAYS = `open(out + "/began", "w").close()\nos.execvp("sleep", ["sleep", "${SLEEPS}"])\n`;

describe('an agent with something running live', function () {
  this.timeout(60_000);
  let world: ProvenWorld;
  let out: string;
  let epoch = 0;

  before(async function () {
    await requireSandbox(this);
    world = await ProvenWorld.start();
    out = join(world.host.rootPrefix, OUT);
    writeFileSync(join(out, 'scenario.py'), STAYS);
  });
  afterEach(() => rmSync(join(out, 'began'), { force: true }));
  after(() => world?.[Symbol.asyncDispose]());

  const gates = () => {
    const path = join(world.host.stateDirectory, 'run', 'gate.json');
    return existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as { gates: { state: string; reason?: string }[] }).gates
      : [];
  };

  async function begin(): Promise<string> {
    await world.order({ epoch });
    const operator = await world.world.operator('operator');
    const { liveId } = await operator.runLive({ host: world.host.name, app: APP, entrypoint: 'live' });
    while (!existsSync(join(out, 'began'))) await delay(5);
    return liveId;
  }

  /** What the host has said of the live run last, once it is about its end. */
  async function endOf(live: string): Promise<LiveRunRecord> {
    const { store } = world.world.plane;
    const viewer = await world.world.operator('viewer');
    const { hosts } = await viewer.listHosts({});
    const publicKey = hosts[0]?.ledgerPublicKey ?? '';
    for (;;) {
      const row = await store.selectFrom('live_runs').selectAll().where('id', '=', live).executeTakeFirst();
      if (row?.is_over === 1 && row.envelope) return verifyLiveRun(row.envelope, { host: world.host.name, publicKey });
      await delay(5);
    }
  }

  it('P8: that is killed leaves nothing running, and its next start tells that the live run was lost', async () => {
    const agent: ChildProcess = spawn(process.execPath, [AGENT, world.host.stateDirectory], { stdio: 'ignore' });
    const live = await begin();
    expect(gates()).to.have.nested.property('[0].state', 'open');
    while (pidsSaying(SLEEPS).length === 0) await delay(5);
    agent.kill('SIGKILL');
    await once(agent, 'exit');
    await world.host.startAgent();
    const { ended } = await endOf(live);
    expect(ended?.how).to.equal('lost with its agent');
    expect(pidsSaying(SLEEPS)).to.deep.equal([]);
    expect(gates()).to.have.nested.property('[0].reason', 'the agent was started anew');
    await world.host.stopAgent();
  });

  it('P3: that waits has written gate.json when it has started', async () => {
    rmSync(join(world.host.stateDirectory, 'run', 'gate.json'));
    await world.host.startAgent();
    expect(gates()).to.have.nested.property('[0].state', 'closed');
    await world.host.stopAgent();
  });

  it('P4: is done with it when a kill is answered, and says so in gate.json', async () => {
    await world.host.startAgent();
    const live = await begin();
    const operator = await world.world.operator('operator');
    const kill = { app: APP, hosts: [world.host.name], reason: 'smoke', envelope: Buffer.alloc(0) };
    const { order } = await operator.kill(kill);
    epoch += 1;
    for await (const _update of operator.watchOrder({ order }, { signal: new AbortController().signal })) {
      // It ends with the answer that nothing runs any more.
    }
    expect(pidsSaying(SLEEPS)).to.deep.equal([]);
    expect((await endOf(live)).ended?.how).to.match(/^stopped \(killed: smoke\), signal/);
    while (gates()[0]?.reason !== 'killed: smoke') await delay(5);
    await world.host.stopAgent();
  });

  it('P8: stops it before itself, and what is to be said of it is said at the next start at the latest', async () => {
    await world.host.startAgent();
    const live = await begin();
    await world.host.stopAgent();
    expect(pidsSaying(SLEEPS)).to.deep.equal([]);
    expect(gates()).to.have.nested.property('[0].state', 'closed');
    await world.host.startAgent();
    expect((await endOf(live)).ended?.how).to.match(/^stopped \(the agent stops\), signal/);
    await world.host.stopAgent();
  });
});
