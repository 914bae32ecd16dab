import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import { numberText } from '../../measure/number-text.ts';
import { spreadOf } from '../../measure/statistics.ts';
import type { Bench } from '../bench.ts';
import { killRounds } from '../kill-series.ts';

/** One host: a kill accepted, and durable in the gate. */
export const killDurable: Figure<Bench> = {
  name: 'kill-durable',
  title: 'kill received to durable ÷ one bare commit and one round trip',
  unit: 'ratio',
  target: { is: 'at-most', value: 2 },
  measure: async (bench) => {
    const rounds = await killRounds(bench);
    const pairs = rounds.map(({ killMs, commitMs, roundTripMs }) => ({ ours: killMs, theirs: commitMs + roundTripMs }));
    const roundTrip = spreadOf(rounds.map(({ roundTripMs }) => roundTripMs));
    return readingOfPairs(pairs, {
      ours: 'kill',
      theirs: 'commit and round trip',
      unit: 'ms',
      notes: [`the round trip over loopback alone: ${numberText(roundTrip.median)} ms`],
    });
  },
};
