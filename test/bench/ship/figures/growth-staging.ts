import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { growthNote, growthRounds } from '../growth-series.ts';

/** `fetching` to `staged`, for each file. */
export const growthStaging: Figure<Bench> = {
  name: 'growth-staging',
  title: 'staging time per file: 50,000 files ÷ 5,000',
  unit: 'ratio',
  target: { is: 'at-most', value: 1.2 },
  measure: async (bench) => {
    const rounds = await growthRounds(bench);
    const pairs = rounds.map(({ few, many }) => ({ ours: many.stagingMs, theirs: few.stagingMs }));
    return readingOfPairs(pairs, {
      ours: 'many files',
      theirs: 'few files',
      unit: 'ms/file',
      notes: growthNote(bench),
    });
  },
};
