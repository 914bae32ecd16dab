import { type Figure, readingOfSide, sideOf } from '../../measure/figure.ts';
import { admissions } from '../admission-series.ts';
import type { Bench } from '../bench.ts';
import { quickNote } from '../scale.ts';

/** `admit` as a host runs it: signatures, separation, evidence, log proof, consistency, window, epoch, nonce. */
export const admissionMs: Figure<Bench> = {
  name: 'admission-ms',
  title: 'an order of 3 of 5 for 10,000 hosts, judged by one of them',
  unit: 'ms',
  target: { is: 'at-most', value: 2 },
  measure: async (bench) => {
    const { rounds, firstMs } = await admissions(bench);
    const readings = rounds.map(({ admitMs }) => admitMs);
    return readingOfSide(sideOf('admission', { unit: 'ms', readings }), [
      `the first one of a process, nothing compiled yet: ${firstMs.toFixed(1)} ms`,
      ...quickNote(bench.scale, `${bench.scale.hostCount} hosts`),
    ]);
  },
};
