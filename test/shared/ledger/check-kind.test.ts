import { expect } from 'chai';
import fc from 'fast-check';
import type { Json } from '../../../shared/canonical-json.ts';
import { expectEqual, expectThat } from '../../../shared/ledger/check-kind.ts';

describe('shared/ledger/check-kind', () => {
  it('meets an equality exactly when both sides are the same text', () => {
    const side = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }),
    );
    fc.assert(
      fc.property(side, side, (expected, actual) => {
        const made = expectEqual('it', expected as Json, actual as Json);
        expect(made.met).to.equal(made.expected === made.actual);
        expect(expectEqual('it', expected as Json, expected as Json).met).to.equal(true);
      }),
    );
  });

  it('shows text as it is and anything else as JSON', () => {
    expect(expectEqual('exit', 0, [1, 'a'])).to.deep.equal({
      what: 'exit',
      expected: '0',
      actual: '[1,"a"]',
      met: false,
    });
    expect(expectThat('tests', { expected: 'at least 3', actual: 2, met: false })).to.deep.equal({
      what: 'tests',
      expected: 'at least 3',
      actual: '2',
      met: false,
    });
  });
});
