import { expect } from 'chai';
import fc from 'fast-check';

import { decodeCanonical, encodeCanonical, type Json } from '../../shared/canonical-json.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

const REFUSED: Readonly<Record<string, string>> = {
  'a member that is named twice': '{"a":1,"a":1}',
  'members in another order': '{"b":1,"a":2}',
  'white space': '{"a": 1}',
  'an escape that is not needed': '"\\u0061"',
  'a fraction': '1.5',
  'a whole number that is spelt as a fraction': '1.0',
  'a number beyond the safe integers': '9007199254740993',
  'minus zero': '-0',
  'a byte order mark': '\ufeff1',
  'a member __proto__, which readers drop or obey': '{"__proto__":{"polluted":true}}',
  'a member __proto__ deep inside': '{"a":[{"__proto__":1}]}',
  'nesting by one level over the limit': nested(LIMITS.jsonDepth + 1),
  'nesting that would exhaust the stack': nested(200_000),
  'nothing at all': '',
};

describe('shared/canonical-json', () => {
  it('has a dozen texts that it refuses', () => {
    expect(Object.keys(REFUSED).length).to.be.at.least(12);
  });

  for (const [name, text] of Object.entries(REFUSED)) {
    it(`refuses ${name}`, () => {
      expect(() => decodeCanonical(Buffer.from(text), 'a text'))
        .to.throw(RejectedError)
        .with.property('code', 'not-canonical-json');
    });
  }

  it('takes nesting up to the limit', () => {
    expect(() => decodeCanonical(Buffer.from(nested(LIMITS.jsonDepth)), 'a text')).to.not.throw();
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => decodeCanonical(Buffer.from([0x22, 0xff, 0x22]), 'a text')).to.throw(RejectedError);
  });

  it('decodes what it encoded, to the same value', () => {
    const integers = fc.maxSafeInteger().map((value) => (value === 0 ? 0 : value));
    const { value } = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constant(null),
        fc.boolean(),
        integers,
        fc.string(),
        fc.array(tie('value')),
        fc.dictionary(
          fc.string().filter((name) => name !== '__proto__'),
          tie('value'),
          { noNullPrototype: true },
        ),
      ),
    }));
    fc.assert(
      fc.property(value, (json) => {
        const bytes = encodeCanonical(json);
        expect(decodeCanonical(bytes, 'a value')).to.deep.equal(json);
      }),
    );
  });

  it('encodes no number that is no safe integer', () => {
    for (const number of [0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, -0])
      expect(() => encodeCanonical(number)).to.throw(TypeError);
  });
});
