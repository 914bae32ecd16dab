/** P4, P9: a kill on a host without a network is known to the control plane, and stands in its log, once the host is in touch. */

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { admittedHost } from '../../control-plane/store/hosts.ts';
import { GateStore } from '../../host-agent/gate/gate-store.ts';
import { FIRST_STATE } from '../../host-agent/gate/machine.ts';
import { readKillRecord } from '../../shared/orders/kill-record.ts';
import { verifyReceipt } from '../../shared/orders/receipt.ts';
import type { LogEntry } from '../../shared/rpc/generated/messages.ts';
import { World } from '../support/world.ts';
import type { WorldHost } from '../support/world-host.ts';
import { KEYTURN_AGENT, runProgram } from '../support/world-programs.ts';

describe('a kill on the host itself', function () {
  this.timeout(120_000);
  let world: World;
  let host: WorldHost;

  before(async () => {
    world = await World.start();
    host = await world.host();
    const journal = new Database(join(host.stateDirectory, 'journal.sqlite'));
    new GateStore(journal).save('iu-cutter', FIRST_STATE);
    journal.close();
  });
  after(() => world[Symbol.asyncDispose]());

  function kill(reason: string) {
    return runProgram(KEYTURN_AGENT, ['--state', host.stateDirectory, 'kill', 'iu-cutter', '--reason', reason]);
  }

  /** Resolves when the log has so many entries: those of the hosts' answers are written behind their acknowledgement. */
  async function log(count: number): Promise<LogEntry[]> {
    const viewer = await world.operator('viewer');
    for (;;) {
      const entries: LogEntry[] = [];
      for await (const entry of viewer.listLog({ first: 0, limit: 0 })) entries.push(entry);
      if (entries.length >= count) return entries;
    }
  }

  async function expectLogged(entries: readonly LogEntry[], { reason, epoch }: { reason: string; epoch: number }) {
    expect(entries.map(({ kind }) => kind)).to.deep.equal(['kill', 'receipt', 'receipt']);
    const [order, ...receipts] = entries.map(({ document }) => document);
    expect(readKillRecord(order ?? Buffer.alloc(0))).to.deep.include({ from: 'host', hosts: [host.name], reason });
    const { ledger_public_key: publicKey } = await admittedHost(world.plane.store, host.name);
    const answers = receipts.map((receipt) =>
      verifyReceipt(receipt, { host: host.name, publicKey, order: order ?? Buffer.alloc(0) }),
    );
    expect(answers.map(({ answer, epoch }) => [answer, epoch])).to.deep.equal([
      ['killed', epoch],
      ['stopped', epoch],
    ]);
  }

  it('is told by the next agent where none ran, and the control plane knows the epoch', async () => {
    expect((await kill('no network at all')).exitCode).to.equal(0);
    await host.startAgent();
    await host.whenJournal((journal) => journal.outboxCount() === 0);
    await expectLogged(await log(3), { reason: 'no network at all', epoch: 1 });
    const viewer = await world.operator('viewer');
    const { gates } = await viewer.listGates({ app: 'iu-cutter' });
    expect(gates.map((gate) => gate.host)).to.deep.equal([host.name]);
  });

  it('is told at once by the agent that runs', async () => {
    expect((await kill('smoke')).exitCode).to.equal(0);
    await expectLogged((await log(6)).slice(3), { reason: 'smoke', epoch: 2 });
    // A host asks for the next root until there is none.
    expect(world.errors.filter(({ action }) => action !== 'fetchMetadata')).to.deep.equal([]);
  });

  it('P8: is put into the log by the next control plane where this one stopped before it was', async () => {
    const { store } = world.plane;
    await store.deleteFrom('log_records').execute();
    await store.deleteFrom('log_nodes').execute();
    await world.stopControlPlane();
    await world.startControlPlane();
    const entries = await log(5);
    // Of the first kill the answers are known, and the record stands in the host's own journal no more.
    expect(entries.map(({ kind }) => kind)).to.deep.equal(['kill', 'receipt', 'receipt', 'receipt', 'receipt']);
    expect(readKillRecord(entries[0]?.document ?? Buffer.alloc(0))).to.deep.include({ reason: 'smoke' });
  });
});
