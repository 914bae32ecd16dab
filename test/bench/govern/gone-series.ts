/**
 * From the word of an operator to the host's signed answer that nothing runs any more: a real control plane, a real agent in a
 * process of its own, and a live process in its sandbox that ends at once when it is asked to.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { verifyReceipt } from '../../../shared/orders/receipt.ts';
import { OUT, ProvenWorld } from '../../support/proven-world.ts';
import { APP } from '../../support/world-release.ts';
import { plainEnvironment } from '../measure/run-command.ts';
import { ServiceProcess } from '../measure/service-process.ts';
import type { Bench } from './bench.ts';

const AGENT = fileURLToPath(new URL('../../support/world-killed-agent.ts', import.meta.url));

/** Python has no trap to leave: the process dies of SIGTERM itself. */
const OBEYS = 'import time\nopen(out + "/began", "w").close()\ntime.sleep(1000)\n';

export interface GoneRound {
  /** Until the host's answer that the kill is durable was here. */
  readonly durableMs: number;
  readonly goneMs: number;
}

export async function goneRounds(bench: Bench): Promise<GoneRound[]> {
  await using proven = await ProvenWorld.start({ parent: bench.newFolder('gone') });
  const { host, world } = proven;
  const began = join(host.rootPrefix, OUT, 'began');
  writeFileSync(join(host.rootPrefix, OUT, 'scenario.py'), OBEYS);
  await using agent = new ServiceProcess([process.execPath, AGENT, host.stateDirectory], {
    env: plainEnvironment(bench.folder),
    log: join(bench.folder, 'gone-agent.log'),
  });
  const operator = await world.operator('operator');
  const rounds: GoneRound[] = [];
  for (let round = 0; round <= bench.scale.readings; round += 1) {
    rmSync(began, { force: true });
    await proven.order({ epoch: round });
    await operator.runLive({ host: host.name, app: APP, entrypoint: 'live' });
    await agent.until(() => existsSync(began));
    rounds.push(await killed(operator, proven));
  }
  return rounds.slice(1);
}

async function killed(operator: OperatorClient, { host, world }: ProvenWorld): Promise<GoneRound> {
  const publicKey = await hostKey(operator);
  const startedAtMs = performance.now();
  const { order } = await operator.kill({ app: APP, hosts: [host.name], reason: 'a round', envelope: Buffer.alloc(0) });
  let durableMs = 0;
  const { document } = await world.plane.store
    .selectFrom('orders')
    .select('document')
    .where('sha256', '=', order)
    .executeTakeFirstOrThrow();
  for await (const { receipt } of operator.watchOrder({ order }, { signal: new AbortController().signal })) {
    if (receipt.length === 0) continue;
    const { answer } = verifyReceipt(receipt, { host: host.name, publicKey, order: document });
    const afterMs = performance.now() - startedAtMs;
    if (answer === 'stopped') return { durableMs, goneMs: afterMs };
    durableMs = afterMs;
  }
  throw new Error('the host has not said that nothing runs any more');
}

async function hostKey(operator: OperatorClient): Promise<string> {
  const { hosts } = await operator.listHosts({});
  return hosts[0]?.ledgerPublicKey ?? '';
}
