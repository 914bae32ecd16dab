import { type Figure, sideOf } from '../../measure/figure.ts';
import { numberText } from '../../measure/number-text.ts';
import { ratiosOf, spreadOf } from '../../measure/statistics.ts';
import type { Bench } from '../bench.ts';
import { endurance } from '../endurance-series.ts';
import { quickNote } from '../scale.ts';

/** One agent, one small release, deployed and taken away again and again. Five looks a second apart at each point. */
export const rssGrowth: Figure<Bench> = {
  name: 'rss-growth',
  title: 'agent memory after 1,000 deployments ÷ after 10',
  unit: 'ratio',
  target: { is: 'at-most', value: 1.1 },
  measure: async (bench) => {
    const { first, last, deployments, wanted, seconds } = await endurance(bench);
    const ratios = ratiosOf(last.map((ours, index) => ({ ours, theirs: first[index] ?? Number.NaN })));
    const mib = (readings: readonly number[]) => readings.map((kib) => kib / 1024);
    const early = deployments < wanted ? [`the time was up after ${deployments} of ${wanted} deployments`] : [];
    return {
      value: spreadOf(ratios).median,
      spread: spreadOf(ratios),
      sides: [
        sideOf(`after ${deployments}`, { unit: 'MiB', readings: mib(last) }),
        sideOf(`after ${bench.scale.deployments.first}`, { unit: 'MiB', readings: mib(first) }),
      ],
      notes: [
        `${deployments} deployments and as many rollbacks took ${numberText(seconds)} s`,
        ...early,
        ...quickNote(bench.scale, `${wanted} deployments`),
      ],
    };
  },
};
