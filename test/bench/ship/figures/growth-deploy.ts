import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { growthNote, growthRounds } from '../growth-series.ts';

/** From the order to the last signature, for each file; the payload has no commands of its own. */
export const growthDeploy: Figure<Bench> = {
  name: 'growth-deploy',
  title: 'whole deploy time per file: 50,000 files ÷ 5,000',
  unit: 'ratio',
  target: { is: 'at-most', value: 1.2 },
  measure: async (bench) => {
    const rounds = await growthRounds(bench);
    const pairs = rounds.map(({ few, many }) => ({ ours: many.ownMs, theirs: few.ownMs }));
    return readingOfPairs(pairs, {
      ours: 'many files',
      theirs: 'few files',
      unit: 'ms/file',
      notes: growthNote(bench),
    });
  },
};
