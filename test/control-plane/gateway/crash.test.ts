/** P8: the control plane is killed again and again while it works; what it had acknowledged is never lost or repeated. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

import { connectOperator } from '../../../control-plane/cli/client.ts';
import type { Addresses } from '../../../control-plane/listeners.ts';
import { issueOperator } from '../../../control-plane/service.ts';
import { openSqliteStore } from '../../../control-plane/store/database.ts';
import { encodeLedgerEntry } from '../../../host-agent/link/report.ts';
import { directiveCodec } from '../../../shared/rpc/definitions.ts';
import { ControlPlaneWorld } from '../../support/control-plane-world.ts';
import { publishRelease } from '../../support/publish-release.ts';
import { TestLedger } from '../../support/test-ledger.ts';
import { APP, testRelease } from '../../support/trust-ceremony.ts';

const PROGRAM = fileURLToPath(new URL('../../support/control-plane-process.ts', import.meta.url));
const KILLS = 5;
const ENTRIES_PER_LIFE = 30;
const ONE = testRelease('1.0');

describe('control-plane, killed at any moment (P8)', function () {
  this.timeout(60_000);
  let world: ControlPlaneWorld;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await world.stop();
  });

  it('has lost and repeated nothing that it acknowledged, and the ledger is whole', async () => {
    const host = await world.enrolledHost('web-1');
    await publishRelease(world, [ONE]);
    const { addresses } = world.controlPlane;
    const { runId } = await (await world.operator('operator')).deploy({ host: 'web-1', app: APP, version: '1.0' });
    const identity = await issueOperator(world.controlPlaneFolder, { name: 'killer', role: 'operator' }, world.clock);
    await world.stopControlPlane();
    const ledger = new TestLedger({
      run: runId,
      host: 'web-1',
      key: host.identity.openLedgerKey(),
      statement: ONE.statement,
    });
    host.journal.append(encodeLedgerEntry(ledger.message(0)));
    const link = host.startLink({ address: addresses.gateway });
    const deployed: string[] = [runId];
    for (let life = 0; life <= KILLS; life += 1) {
      const child = await startProcess(addresses);
      const position = ledger.entries.length;
      for (let count = 0; count < ENTRIES_PER_LIFE; count += 1)
        ledger.enter('checking', `life ${life}, entry ${count}`);
      for (const seq of ledger.entries.keys())
        if (seq >= position) host.journal.append(encodeLedgerEntry(ledger.message(seq)));
      const client = connectOperator({ ...identity, address: addresses.operator });
      deployed.push((await client.deploy({ host: 'web-1', app: APP, version: '1.0' })).runId);
      client.close();
      // Each life is cut off a little later in its work; the last one may finish.
      const leftBehind = life === KILLS ? 0 : ENTRIES_PER_LIFE - life * 3;
      await host.dialUntil(() => host.journal.pendingAfter(0, 1_000).length <= leftBehind);
      if (life === KILLS) await host.dialUntil(() => host.journal.lastSeq() === deployed.length);
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await link.stop();
    expect(host.journal.directives().map(({ bytes }) => runOf(bytes))).to.deep.equal(deployed);
    expect(await storedDigests(world)).to.deep.equal(ledger.entries.map(({ digest }) => digest));
    expect(ledger.entries).to.have.length(1 + (KILLS + 1) * ENTRIES_PER_LIFE);
  });

  async function startProcess(addresses: Addresses): Promise<ChildProcess> {
    const ports = [addresses.join, addresses.gateway, addresses.operator].map((address) => address.split(':')[1] ?? '');
    const child = spawn(process.execPath, [PROGRAM, world.controlPlaneFolder, ...ports], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    for await (const line of createInterface({ input: child.stdout as Readable })) {
      expect(JSON.parse(line)).to.deep.equal(addresses);
      return child;
    }
    throw new Error('the control plane has ended before it was ready');
  }
});

function runOf(bytes: Buffer): string {
  const directive = directiveCodec.decode(bytes);
  return directive.kind === 'deploy' ? directive.deploy.runId : '';
}

async function storedDigests(world: ControlPlaneWorld): Promise<string[]> {
  const store = await openSqliteStore(`${world.controlPlaneFolder}/store.sqlite`);
  try {
    const rows = await store.selectFrom('ledger_entries').select('digest').orderBy('seq').execute();
    return rows.map(({ digest }) => digest);
  } finally {
    await store.destroy();
  }
}
