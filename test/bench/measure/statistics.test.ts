import { expect } from 'chai';
import fc from 'fast-check';
import { ratiosOf, spreadOf } from './statistics.ts';

describe('statistics', () => {
  it('takes the middle reading of an odd number, and halfway between the middle two of an even number', () => {
    expect(spreadOf([9, 1, 5])).to.deep.equal({ median: 5, least: 1, most: 9, count: 3 });
    expect(spreadOf([4, 1, 3, 100]).median).to.equal(3.5);
  });

  it('is not moved by the order of the readings, and lies between the least and the most', () => {
    const readings = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(readings, (values) => {
        const spread = spreadOf(values);
        expect(spreadOf(values.toReversed())).to.deep.equal(spread);
        expect(spread.median).to.be.within(spread.least, spread.most);
      }),
    );
  });

  it('refuses to take a median of nothing', () => {
    expect(() => spreadOf([])).to.throw(RangeError, 'there is no reading');
  });

  it('divides pair by pair', () => {
    const pairs = [
      { ours: 1, theirs: 2 },
      { ours: 9, theirs: 3 },
    ];
    expect(ratiosOf(pairs)).to.deep.equal([0.5, 3]);
  });

  for (const theirs of [0, -1, Number.NaN]) {
    it(`refuses to divide by ${theirs}: a side that took no time has not been measured`, () => {
      expect(() => ratiosOf([{ ours: 1, theirs }])).to.throw(RangeError, 'expected a divisor above 0');
    });
  }
});
