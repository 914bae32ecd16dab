import { type Figure, readingOfSide, sideOf } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { idleRounds } from '../idle-series.ts';

/** What the agent has to itself and the kernel could not drop, at the same moment as `idle-rss`. */
export const idlePrivateDirty: Figure<Bench> = {
  name: 'idle-private-dirty',
  title: 'agent idle: private dirty memory',
  unit: 'MiB',
  target: { is: 'at-most', value: 18 },
  measure: async (bench) => {
    const rounds = await idleRounds(bench);
    const [agent, bare] = [
      sideOf('agent', { unit: 'MiB', readings: rounds.map((round) => round.agent.privateDirtyKiB / 1024) }),
      sideOf('bare node', { unit: 'MiB', readings: rounds.map((round) => round.bareNode.privateDirtyKiB / 1024) }),
    ];
    return { ...readingOfSide(agent), sides: [agent, bare] };
  },
};
