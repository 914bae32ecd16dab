import { expect } from 'chai';
import fc from 'fast-check';
import { type FoundFinding, onePerFact } from '../../../shared/ledger/finding.ts';

const word = fc.constantFrom('a', 'b', 'a b', 'b a', '');
const found: fc.Arbitrary<FoundFinding> = fc.record({
  code: fc.constantFrom('a', 'b', 'tool-missing'),
  statement: word,
  gate: fc.constantFrom('G3', 'G7'),
  check: word,
  index: fc.nat(3),
  evidenceId: fc.string(),
});

describe('shared/ledger/finding', () => {
  it('names each fact once, loses no place, and keeps the order', () => {
    fc.assert(
      fc.property(fc.array(found, { maxLength: 12 }), (findings) => {
        const rows = onePerFact(findings);
        const facts = rows.map(({ code, statement }) => JSON.stringify([code, statement]));
        expect(facts).to.deep.equal([
          ...new Set(findings.map(({ code, statement }) => JSON.stringify([code, statement]))),
        ]);
        for (const { again, ...first } of rows) {
          const same = findings.filter(({ code, statement }) => code === first.code && statement === first.statement);
          const { code, statement } = first;
          expect([first, ...again.map((place) => ({ code, statement, ...place }))]).to.deep.equal(same);
        }
      }),
      { numRuns: 500 },
    );
  });
});
