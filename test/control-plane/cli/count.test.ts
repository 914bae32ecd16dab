import { expect } from 'chai';
import { countParser } from '../../../control-plane/cli/count.ts';
import { UsageError } from '../../../shared/service/failure.ts';

describe('a count on the command line', () => {
  const parse = countParser('--minutes', { most: 60 });

  it('is a whole number within its bounds', () => {
    expect([parse('1'), parse('60')]).to.deep.equal([1, 60]);
  });

  for (const text of ['', '0', '61', '-1', '1.5', '1e1', '0x10', 'NaN', ' 7', '99999999999999999999']) {
    it(`is not "${text}"`, () => {
      expect(() => parse(text)).to.throw(UsageError, `--minutes "${text}": expected a whole number from 1 to 60`);
    });
  }
});
