import { type Figure, readingOfSide, sideOf } from '../../measure/figure.ts';
import { numberText } from '../../measure/number-text.ts';
import { spreadOf } from '../../measure/statistics.ts';
import type { Bench } from '../bench.ts';
import { goneRounds } from '../gone-series.ts';

/** One host, one live process that obeys SIGTERM at once. */
export const killGone: Figure<Bench> = {
  name: 'kill-gone',
  title: 'kill ordered to last process gone, as the host has signed it',
  unit: 'ms',
  target: { is: 'at-most', value: 25 },
  measure: async (bench) => {
    const rounds = await goneRounds(bench);
    const durable = spreadOf(rounds.map(({ durableMs }) => durableMs));
    return readingOfSide(sideOf('kill', { unit: 'ms', readings: rounds.map(({ goneMs }) => goneMs) }), [
      `until the answer that it is durable was here: ${numberText(durable.median)} ms`,
    ]);
  },
};
