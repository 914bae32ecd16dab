import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import { deployByPlaybook } from '../../peers/peer-deployment.ts';
import type { Bench } from '../bench.ts';
import { deployPairs } from '../deploy-series.ts';

/** As `deploy-vs-bash`, with a playbook: pipelining, one persistent connection, no facts gathered. */
export const deployVsAnsible: Figure<Bench> = {
  name: 'deploy-vs-ansible',
  title: 'whole deploy ÷ Ansible playbook, same gates',
  unit: 'ratio',
  target: { is: 'at-most', value: 0.2 },
  measure: async (bench) => {
    const pairs = await deployPairs(bench, 'ansible', deployByPlaybook);
    return readingOfPairs(
      pairs.map(({ ours, theirs }) => ({ ours: ours.ms, theirs: theirs.ms })),
      { ours: 'keyturn', theirs: 'ansible', unit: 'ms' },
    );
  },
};
