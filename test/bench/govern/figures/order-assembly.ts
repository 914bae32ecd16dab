import { type Figure, readingOfSide, sideOf } from '../../measure/figure.ts';
import { assemblies } from '../assembly-series.ts';
import type { Bench } from '../bench.ts';
import { quickNote } from '../scale.ts';

/** Leaves sorted and hashed, the payload encoded, an inclusion proof for each host. */
export const orderAssembly: Figure<Bench> = {
  name: 'order-assembly',
  title: 'an order for 10,000 hosts put together, with every proof',
  unit: 'ms',
  target: { is: 'at-most', value: 1_000 },
  measure: async (bench) => {
    const readings = await assemblies(bench);
    const notes = quickNote(bench.scale, `${bench.scale.hostCount} hosts`);
    return readingOfSide(sideOf('assembly', { unit: 'ms', readings }), notes);
  },
};
