/** The most memory that agent and control plane take for the release of 1 GiB, above what they hold when idle before. */

import { deploy } from '../keyturn/deployment.ts';
import { forgetPeak, memoryOf, peakKiB } from '../measure/process-memory.ts';
import { APPS } from './apps.ts';
import type { Bench } from './bench.ts';
import { publishOneFile } from './one-file-release.ts';
import { settleMemory } from './settle.ts';

export interface MemoryRounds {
  /** MiB above idle, for each deployment. */
  readonly agent: readonly number[];
  readonly controlPlane: readonly number[];
  /** MiB above idle while the release is pushed; once. */
  readonly upload: number;
}

/** A control plane of its own: started anew for each deployment, and nobody else is connected. */
export function memoryRounds(bench: Bench): Promise<MemoryRounds> {
  return bench.once('memory', async () => {
    bench.say('building a release of 1 GiB for a control plane of its own');
    const plane = bench.hold(await bench.newPlane('memory-control-plane'));
    const folder = bench.newFolder('repositories', 'memory');
    await settleMemory();
    const upload = watchPeak(plane.pid);
    const bytes = bench.scale.transferBytes['1 GiB'];
    const release = await publishOneFile(plane, { folder, app: APPS.transfer1GiB, bytes });
    const rounds = { agent: [] as number[], controlPlane: [] as number[], upload: upload() };
    for (let round = 1; round <= bench.scale.pairs; round += 1) {
      bench.say(`memory of a deployment, ${round} of ${bench.scale.pairs}`);
      await plane.restart();
      const host = await bench.newHost(plane);
      await host.start();
      await settleMemory();
      const [agent, controlPlane] = [watchPeak(host.pid), watchPeak(plane.pid)];
      await deploy(plane, { host, release: release.name });
      rounds.agent.push(agent());
      rounds.controlPlane.push(controlPlane());
      await host.stop();
      bench.discard(host.installRoot);
    }
    return rounds;
  });
}

/** From now on; the answer is MiB above what the process holds now. */
function watchPeak(pid: number): () => number {
  const { rssKiB } = memoryOf(pid);
  forgetPeak(pid);
  return () => (peakKiB(pid) - rssKiB) / 1024;
}
