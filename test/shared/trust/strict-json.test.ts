import { expect } from 'chai';
import fc from 'fast-check';

import { RejectedError } from '../../../shared/errors.ts';
import { decodeBase64 } from '../../../shared/trust/base64.ts';
import { decodeJsonObject } from '../../../shared/trust/strict-json.ts';

const decode = (text: string | Uint8Array) =>
  decodeJsonObject(Buffer.from(text as string), { what: 'file', code: 'file-malformed' });

const integers = fc.letrec((tie) => ({
  value: fc.oneof(fc.boolean(), fc.constant(null), fc.integer(), fc.string(), tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  object: fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
})).object as fc.Arbitrary<Record<string, unknown>>;

describe('shared/trust/strict-json', function () {
  this.timeout(30_000);
  it('reads any object with any indentation and order (property)', () => {
    fc.assert(
      fc.property(integers, fc.constantFrom(undefined, 1, 4, '\t'), (object, indentation) => {
        expect(decode(JSON.stringify(object, null, indentation))).to.deep.equal(JSON.parse(JSON.stringify(object)));
      }),
    );
  });

  const refused: Record<string, string | Uint8Array> = {
    'a member that is named twice': '{"a":1,"a":2}',
    'a member that is named twice deep down': '{"x":[{"a":1,"b":2,"a":1}]}',
    'a member that is named twice with an escape': '{"a":1,"\\u0061":1}',
    'a needless escape': '{"a":"\\u0061"}',
    'an escaped slash': '{"a":"\\/"}',
    'a number with a fraction': '{"a":1.5}',
    'a number in another spelling': '{"a":1e2}',
    'minus zero': '{"a":-0}',
    'a number that loses digits': '{"a":9007199254740993}',
    'a list': '[]',
    nothing: '',
    'text after the object': '{}x',
    'a byte order mark': '\ufeff{}',
    'bytes that are no UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  };
  for (const [name, text] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      try {
        decode(text);
      } catch (error) {
        expect(error).to.be.instanceOf(RejectedError).and.to.include({ code: 'file-malformed' });
        return;
      }
      expect.fail('expected a rejection');
    });
  }
  it('has a row for each refusal', () => expect(Object.keys(refused)).to.have.length(14));

  it('keeps a member called __proto__ a member', () => {
    expect(Object.hasOwn(decode('{"__proto__":{"a":1}}'), '__proto__')).to.equal(true);
  });
});

describe('shared/trust/base64', function () {
  this.timeout(30_000);
  it('reads what an encoder emits, in both alphabets (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        const urlSafe = text.replaceAll('+', '-').replaceAll('/', '_');
        expect(decodeBase64(text)?.equals(bytes)).to.equal(true);
        expect(decodeBase64(urlSafe)?.equals(bytes)).to.equal(true);
      }),
    );
  });

  it('reads no text but what an encoder emits (property)', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ABab01+/-_= \n') }), (text) => {
        const bytes = decodeBase64(text);
        if (bytes === undefined) return;
        const standard = bytes.toString('base64');
        expect([standard, standard.replaceAll('+', '-').replaceAll('/', '_')]).to.include(text);
      }),
      { numRuns: 2000 },
    );
  });
});
