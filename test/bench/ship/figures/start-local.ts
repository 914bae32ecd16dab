import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { startRounds } from '../start-series.ts';

/** `keyturn --help` from its launcher, whole process, beside the same Node with nothing to do. */
export const startLocal: Figure<Bench> = {
  name: 'start-local',
  title: 'CLI start, no RPC (keyturn --help) ÷ node -e 0',
  unit: 'ratio',
  target: { is: 'at-most', value: 1.6 },
  measure: async (bench) => {
    const rounds = await startRounds(bench);
    const pairs = rounds.map(({ helpMs, bareMs }) => ({ ours: helpMs, theirs: bareMs }));
    return readingOfPairs(pairs, { ours: 'keyturn --help', theirs: 'node -e 0', unit: 'ms' });
  },
};
