import { expect } from 'chai';
import { isSameVersion } from '../../../shared/release/version-match.ts';

describe('declared version', () => {
  const pairs: readonly (readonly [declared: string, release: string, same: 'same' | 'different'])[] = [
    ['0.6', '0.6', 'same'],
    ['0.6', 'v0.6', 'same'],
    ['v0.6', '0.6', 'same'],
    ['0.6', '0.6-g6625f76a1b2c', 'same'],
    ['0.4.0-dryrun-skeleton', 'v0.6', 'different'],
    ['0.6', 'v0.60', 'different'],
    ['', 'v0.6', 'different'],
    ['ersion', 'version', 'different'],
  ];
  for (const [declared, release, same] of pairs) {
    it(`is ${same}: "${declared}" declared, "${release}" released`, () => {
      expect(isSameVersion(declared, release)).to.equal(same === 'same');
    });
  }
  it('has eight pairs', () => expect(pairs).to.have.length(8));
});
