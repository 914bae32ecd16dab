/** What an agent holds when it is connected and has nothing to do, beside a bare Node of the same runtime. */
import { join } from 'node:path';
import { memoryOf, type ProcessMemory } from '../measure/process-memory.ts';
import { plainEnvironment } from '../measure/run-command.ts';
import { ServiceProcess } from '../measure/service-process.ts';
import type { Bench } from './bench.ts';
import { settleMemory } from './settle.ts';

export interface IdleRound {
  readonly agent: ProcessMemory;
  readonly bareNode: ProcessMemory;
}

const BARE_NODE = 'setInterval(() => {}, 60_000); process.stdout.write("ready\\n")';

export function idleRounds(bench: Bench): Promise<IdleRound[]> {
  return bench.once('idle', async () => {
    const { node } = await bench.programs();
    const host = await bench.newHost(await bench.plane());
    const rounds: IdleRound[] = [];
    for (let round = 1; round <= bench.scale.pairs; round += 1) {
      bench.say(`idle agent, ${round} of ${bench.scale.pairs}`);
      const options = { env: plainEnvironment(bench.folder), log: join(bench.folder, 'bare-node.log') };
      await using bare = new ServiceProcess([node, '-e', BARE_NODE], options);
      await bare.nextLine();
      await host.start();
      await settleMemory();
      rounds.push({ agent: memoryOf(host.pid), bareNode: memoryOf(bare.pid) });
      await host.stop();
    }
    return rounds;
  });
}
