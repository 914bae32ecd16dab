import { expect } from 'chai';
import { numberText } from './number-text.ts';

const ROWS: readonly (readonly [number, string])[] = [
  [0, '0'],
  [1, '1'],
  [0.331, '0.331'],
  [0.3, '0.3'],
  [12.345, '12.3'],
  [1234.6, '1235'],
  [423637, '423637'],
  [0.00123456, '0.00123'],
  [-2.5, '-2.5'],
];

describe('a number as text', () => {
  for (const [value, text] of ROWS) {
    it(`shows ${value} as ${text}`, () => {
      expect(numberText(value)).to.equal(text);
    });
  }
});
