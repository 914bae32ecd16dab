/** For tests of what shows figures: one met, one missed, one left out. */
import { type FigureResult, readingOfPairs, readingOfSide, sideOf } from './figure.ts';

export const exampleResults: readonly FigureResult[] = [
  {
    name: 'deploy',
    title: 'whole deploy ÷ bash',
    unit: 'ratio',
    target: { is: 'at-most', value: 1 },
    met: true,
    ...readingOfPairs(
      [
        { ours: 800, theirs: 1000 },
        { ours: 900, theirs: 1000 },
        { ours: 1000, theirs: 1000 },
      ],
      { ours: 'keyturn', theirs: 'bash', unit: 'ms', notes: ['confined & quick'] },
    ),
  },
  {
    name: 'rate',
    title: 'rate <of the stream>',
    unit: 'ratio',
    target: { is: 'at-least', value: 0.5 },
    met: false,
    ...readingOfSide(sideOf('keyturn', { unit: 'MB/s', readings: [0.123456] })),
  },
  {
    name: 'left-out',
    title: 'left out',
    unit: 'MiB',
    target: { is: 'at-most', value: 64 },
    met: false,
    value: null,
    reason: 'missing: /usr/sbin/nginx',
  },
];
