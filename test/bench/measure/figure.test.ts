import { expect } from 'chai';
import { isMet, readingOfPairs, targetText } from './figure.ts';

const TARGETS = [
  { target: { is: 'at-most', value: 1 }, value: 1, met: true },
  { target: { is: 'at-most', value: 1 }, value: 1.01, met: false },
  { target: { is: 'at-least', value: 0.5 }, value: 0.5, met: true },
  { target: { is: 'at-least', value: 0.5 }, value: 0.49, met: false },
  { target: { is: 'at-most', value: 1 }, value: Number.NaN, met: false },
] as const;

describe('a figure', () => {
  for (const { target, value, met } of TARGETS) {
    it(`of ${value} ${met ? 'meets' : 'misses'} ${targetText(target)}`, () => {
      expect(isMet(value, target)).to.equal(met);
    });
  }

  it('is the median of the ratios of its pairs, not the ratio of the medians', () => {
    const pairs = [
      { ours: 1, theirs: 1 },
      { ours: 10, theirs: 100 },
      { ours: 100, theirs: 10 },
    ];
    const { value, spread, sides } = readingOfPairs(pairs, { ours: 'a', theirs: 'b', unit: 'ms' });
    expect(value).to.equal(1);
    expect(spread).to.include({ least: 0.1, most: 10, count: 3 });
    expect(sides.map(({ name, unit, readings }) => ({ name, unit, readings }))).to.deep.equal([
      { name: 'a', unit: 'ms', readings: [1, 10, 100] },
      { name: 'b', unit: 'ms', readings: [1, 100, 10] },
    ]);
  });
});
