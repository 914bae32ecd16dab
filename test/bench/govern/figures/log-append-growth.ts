import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { logNote, logRounds } from '../log-series.ts';

/** One document appended and durable. */
export const logAppendGrowth: Figure<Bench> = {
  name: 'log-append-growth',
  title: 'log append: at 1,000,000 entries ÷ at 10,000',
  unit: 'ratio',
  target: { is: 'at-most', value: 1.5 },
  measure: async (bench) => {
    const rounds = await logRounds(bench);
    const pairs = rounds.map(({ few, many }) => ({ ours: many.appendMs, theirs: few.appendMs }));
    return readingOfPairs(pairs, { ours: 'many entries', theirs: 'few entries', unit: 'ms', notes: logNote(bench) });
  },
};
