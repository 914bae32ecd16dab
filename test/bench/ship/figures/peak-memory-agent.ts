import { type Figure, readingOfSide, sideOf } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { memoryRounds } from '../memory-series.ts';
import { quickNote } from '../scale.ts';

/** The kernel's high-water mark of resident memory during the deployment, above what was resident when idle before. */
export const peakMemoryAgent: Figure<Bench> = {
  name: 'peak-memory-agent',
  title: 'peak memory of the agent, 1 GiB release, above idle',
  unit: 'MiB',
  target: { is: 'at-most', value: 64 },
  measure: async (bench) => {
    const { agent } = await memoryRounds(bench);
    const side = sideOf('agent', { unit: 'MiB', readings: agent });
    return readingOfSide(
      side,
      quickNote(bench.scale, `${bench.scale.transferBytes['1 GiB'] / 2 ** 20} MiB in place of 1 GiB`),
    );
  },
};
