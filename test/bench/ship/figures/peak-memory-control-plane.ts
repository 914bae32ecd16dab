import { type Figure, sideOf } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { memoryRounds } from '../memory-series.ts';
import { quickNote } from '../scale.ts';

/** As for the agent; the control plane also receives the release first, and the larger of the two counts. */
export const peakMemoryControlPlane: Figure<Bench> = {
  name: 'peak-memory-control-plane',
  title: 'peak memory of the control plane, 1 GiB release, above idle',
  unit: 'MiB',
  target: { is: 'at-most', value: 64 },
  measure: async (bench) => {
    const { controlPlane, upload } = await memoryRounds(bench);
    const deployments = sideOf('deployment', { unit: 'MiB', readings: controlPlane });
    const uploads = sideOf('upload', { unit: 'MiB', readings: [upload] });
    return {
      value: Math.max(deployments.spread.median, upload),
      spread: deployments.spread,
      sides: [deployments, uploads],
      notes: [
        'the range is of the deployments; the upload is measured once',
        ...quickNote(bench.scale, `${bench.scale.transferBytes['1 GiB'] / 2 ** 20} MiB in place of 1 GiB`),
      ],
    };
  },
};
