import { type Figure, readingOfPairs } from '../../measure/figure.ts';
import { deployByScript } from '../../peers/peer-deployment.ts';
import type { Bench } from '../bench.ts';
import { deployPairs } from '../deploy-series.ts';

/**
 * Whole processes, from their start to their end: `keyturn --json deploy … --watch` with agent and control plane running,
 * and a bash script over one ssh connection that does the same gates.
 */
export const deployVsBash: Figure<Bench> = {
  name: 'deploy-vs-bash',
  title: 'whole deploy ÷ bash + ssh + scp, same gates',
  unit: 'ratio',
  target: { is: 'at-most', value: 1 },
  measure: async (bench) => {
    const pairs = await deployPairs(bench, 'bash', deployByScript);
    return readingOfPairs(
      pairs.map(({ ours, theirs }) => ({ ours: ours.ms, theirs: theirs.ms })),
      {
        ours: 'keyturn',
        theirs: 'bash',
        unit: 'ms',
        notes: [
          'keyturn runs the payload confined in bubblewrap, the script does not; its first reading is its agent’s first deployment',
        ],
      },
    );
  },
};
