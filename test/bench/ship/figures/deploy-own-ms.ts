import { type Figure, readingOfSide, sideOf } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { ownDeployments } from '../deploy-series.ts';

/** `ownMs` as `keyturn ledger --json` says it: from the order to the last signature, less the payload's own commands. */
export const deployOwnMs: Figure<Bench> = {
  name: 'deploy-own-ms',
  title: 'that deploy without the payload’s commands',
  unit: 'ms',
  target: { is: 'at-most', value: 400 },
  measure: async (bench) => {
    const deployments = await ownDeployments(bench);
    return readingOfSide(sideOf('keyturn', { unit: 'ms', readings: deployments.map(({ ownMs }) => ownMs) }));
  },
};
