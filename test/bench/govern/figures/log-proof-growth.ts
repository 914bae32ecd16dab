import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { logNote, logRounds } from '../log-series.ts';

/** The proof of any entry under a checkpoint that is signed for it. */
export const logProofGrowth: Figure<Bench> = {
  name: 'log-proof-growth',
  title: 'log proof: at 1,000,000 entries ÷ at 10,000',
  unit: 'ratio',
  target: { is: 'at-most', value: 1.5 },
  measure: async (bench) => {
    const rounds = await logRounds(bench);
    const pairs = rounds.map(({ few, many }) => ({ ours: many.proofMs, theirs: few.proofMs }));
    return readingOfPairs(pairs, { ours: 'many entries', theirs: 'few entries', unit: 'ms', notes: logNote(bench) });
  },
};
