import { expect } from 'chai';
import fc from 'fast-check';

import { foldName } from '../../../shared/release/path-folding.ts';

describe('shared/release/path-folding', () => {
  const SAME: readonly (readonly [string, string])[] = [
    ['README', 'readme'],
    ['stra\u00dfe', 'STRASSE'],
    ['\u1e9e', 'ss'],
    ['\ufb03', 'FFI'],
    ['\u212a', 'k'],
    ['\u0391\u03a3', '\u03b1\u03c2'],
    ['e\u0301', '\u00c9'],
    ['\u2460', '1'],
    ['a\u200db', 'AB'],
    ['\u01c4', 'd\u017e'],
  ];
  for (const [a, b] of SAME) {
    it(`folds ${JSON.stringify(a)} and ${JSON.stringify(b)} to one form`, () => {
      expect(foldName(a)).to.equal(foldName(b));
    });
  }

  it('keeps different names apart', () => {
    const names = ['a', 'b', 'a.b', 'a-b', 'a_b', 'ab', '\u00e4', 'ae', '\u6587', '\u4ef6', '0', 'o'];
    expect(new Set(names.map(foldName)).size).to.equal(names.length);
  });

  it('folds upper case, lower case and every normal form of a name alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 12 }), (name) => {
        const folded = foldName(name);
        for (const other of [name.toLowerCase(), name.normalize('NFD'), name.normalize('NFKC')]) {
          expect(foldName(other)).to.equal(folded);
        }
        expect(foldName(folded)).to.equal(folded);
      }),
      { numRuns: 3000 },
    );
  });
});
