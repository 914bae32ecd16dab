import { type Figure, readingOfSide, sideOf } from '../../measure/figure.ts';
import type { Bench } from '../bench.ts';
import { idleRounds } from '../idle-series.ts';

/** Resident memory of a connected agent, six seconds after its session opened. */
export const idleRss: Figure<Bench> = {
  name: 'idle-rss',
  title: 'agent idle: resident memory',
  unit: 'MiB',
  target: { is: 'at-most', value: 62 },
  measure: async (bench) => {
    const rounds = await idleRounds(bench);
    const [agent, bare] = [
      sideOf('agent', { unit: 'MiB', readings: rounds.map((round) => round.agent.rssKiB / 1024) }),
      sideOf('bare node', { unit: 'MiB', readings: rounds.map((round) => round.bareNode.rssKiB / 1024) }),
    ];
    return { ...readingOfSide(agent), sides: [agent, bare] };
  },
};
