import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { startRounds } from '../start-series.ts';

/** `keyturn host list` against a running control plane: mTLS connection, one call, one table. */
export const startRpc: Figure<Bench> = {
  name: 'start-rpc',
  title: 'CLI start, with RPC (keyturn host list) ÷ node -e 0',
  unit: 'ratio',
  target: { is: 'at-most', value: 3 },
  measure: async (bench) => {
    const rounds = await startRounds(bench);
    const pairs = rounds.map(({ listMs, bareMs }) => ({ ours: listMs, theirs: bareMs }));
    return readingOfPairs(pairs, { ours: 'keyturn host list', theirs: 'node -e 0', unit: 'ms' });
  },
};
