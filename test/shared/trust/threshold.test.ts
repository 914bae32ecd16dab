import { expect } from 'chai';
import fc from 'fast-check';

import { countDistinct, distinctSigners, meetsThreshold, unmetClauses } from '../../../shared/trust/threshold.ts';

const signers = fc.array(fc.record({ publicKey: fc.constantFrom('a', 'b', 'c', 'd', 'e') }), { maxLength: 30 });
const teamSigners = fc.array(
  fc.record({ publicKey: fc.constantFrom('a', 'b', 'c', 'd', 'e'), team: fc.constantFrom('operations', 'security') }),
  { maxLength: 30 },
);

describe('shared/trust/threshold', function () {
  this.timeout(30_000);
  it('counts each key once, however often it signed (property)', () => {
    fc.assert(
      fc.property(signers, (list) => {
        expect(countDistinct(list)).to.equal(new Set(list.map((signer) => signer.publicKey)).size);
      }),
    );
  });

  it('does not change when signatures are repeated or reordered (property)', () => {
    fc.assert(
      fc.property(signers, fc.integer({ min: 1, max: 6 }), (list, threshold) => {
        const repeated = [...list, ...list].reverse();
        expect(meetsThreshold(repeated, threshold)).to.equal(meetsThreshold(list, threshold));
      }),
    );
  });

  it('never falls when one more signer is added (property)', () => {
    fc.assert(
      fc.property(signers, fc.constantFrom('a', 'f'), (list, publicKey) => {
        const grown = countDistinct([...list, { publicKey }]) - countDistinct(list);
        expect(grown).to.equal(list.some((signer) => signer.publicKey === publicKey) ? 0 : 1);
      }),
    );
  });

  it('keeps the first of each key, in order', () => {
    const list = [
      { publicKey: 'b', at: 1 },
      { publicKey: 'a', at: 2 },
      { publicKey: 'b', at: 3 },
    ];
    expect(distinctSigners(list).map((signer) => signer.at)).to.deep.equal([1, 2]);
  });

  for (const threshold of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`throws on a threshold of ${threshold} instead of being met by nobody`, () => {
      expect(() => meetsThreshold([{ publicKey: 'a' }], threshold)).to.throw(RangeError);
      expect(() => unmetClauses([], [{ team: 'operations', count: threshold }])).to.throw(RangeError);
    });
  }

  it('asks for every clause of a quorum', () => {
    const quorum = [
      { team: 'operations', count: 2 },
      { team: 'security', count: 1 },
    ];
    const operations = [
      { publicKey: 'a', team: 'operations' },
      { publicKey: 'b', team: 'operations' },
    ];
    expect(unmetClauses(operations, quorum)).to.deep.equal([{ team: 'security', count: 1, actual: 0 }]);
    expect(unmetClauses([...operations, { publicKey: 'c', team: 'security' }], quorum)).to.deep.equal([]);
  });

  it('does not let one key sit for two teams', () => {
    const both = [
      { publicKey: 'a', team: 'operations' },
      { publicKey: 'a', team: 'security' },
    ];
    const quorum = [
      { team: 'operations', count: 1 },
      { team: 'security', count: 1 },
    ];
    expect(unmetClauses(both, quorum)).to.deep.equal([{ team: 'security', count: 1, actual: 0 }]);
  });

  it('needs as many distinct keys as the clauses add up to (property)', () => {
    fc.assert(
      fc.property(teamSigners, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), (list, m, n) => {
        const quorum = [
          { team: 'operations', count: m },
          { team: 'security', count: n },
        ];
        if (unmetClauses(list, quorum).length === 0) expect(countDistinct(list)).to.be.at.least(m + n);
      }),
    );
  });

  it('throws on a quorum without clauses', () => {
    expect(() => unmetClauses([{ publicKey: 'a', team: 'operations' }], [])).to.throw(RangeError);
  });
});
