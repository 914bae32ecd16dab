import { createPublicKey, verify } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';

import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import {
  addSignature,
  parseEnvelope,
  preAuthEncoding,
  signEnvelope,
  verifyEnvelope,
} from '../../../shared/trust/dsse.ts';
import { generateKey, type PublicKey } from '../../../shared/trust/keys.ts';

const TYPE = 'application/vnd.in-toto+json';
const PAYLOAD = Buffer.from('{"payload":"bytes"}');
const [ALICE, BOB, CAROL, MALLORY] = [generateKey(), generateKey(), generateKey(), generateKey()];
const KEYRING: PublicKey[] = [ALICE, BOB, CAROL];

type Members = { payload: string; payloadType: string; signatures: { keyid?: string; sig: string }[] };

function membersOf(bytes: Uint8Array): Members {
  return JSON.parse(Buffer.from(bytes).toString()) as Members;
}

function altered(
  change: (members: Members & Record<string, unknown>) => void,
  signed = signEnvelope(TYPE, PAYLOAD, [ALICE, BOB]),
) {
  const members = membersOf(signed) as Members & Record<string, unknown>;
  change(members);
  return encodeCanonical(members);
}

function verdictOn(bytes: Uint8Array, threshold = 2): string {
  try {
    verifyEnvelope(parseEnvelope(bytes), KEYRING, { payloadType: TYPE, threshold });
    return 'accepted';
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    throw error;
  }
}

describe('shared/trust/dsse', function () {
  this.timeout(30_000);
  it('encodes as the specification does, with lengths in bytes', () => {
    const encode = (type: string, body: string) => preAuthEncoding(type, Buffer.from(body)).toString();
    expect(encode('http://example.com/HelloWorld', 'hello world')).to.equal(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
    expect(encode('', '')).to.equal('DSSEv1 0  0 ');
    expect(encode('ü', '→')).to.equal('DSSEv1 2 ü 3 →');
  });

  it('reads the envelope of the specification, and its signature is over our encoding', () => {
    const envelope = parseEnvelope(
      Buffer.from(
        `{"payload": "aGVsbG8gd29ybGQ=",
 "payloadType": "http://example.com/HelloWorld",
 "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}`,
      ),
    );
    const coordinate = (decimal: bigint) =>
      Buffer.from(decimal.toString(16).padStart(64, '0'), 'hex').toString('base64url');
    const x = coordinate(46950820868899156662930047687818585632848591499744589407958293238635476079160n);
    const y = coordinate(5640078356564379163099075877009565129882514886557779369047442380624545832820n);
    const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
    const message = preAuthEncoding(envelope.payloadType, envelope.payload);
    const signature = envelope.signatures[0]?.signature ?? Buffer.alloc(0);
    expect(envelope.payload.toString()).to.equal('hello world');
    expect(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)).to.equal(true);
  });

  it('returns the payload that was signed, and who signed it', () => {
    const envelope = parseEnvelope(signEnvelope(TYPE, PAYLOAD, [CAROL, ALICE]));
    const verified = verifyEnvelope(envelope, KEYRING, { payloadType: TYPE, threshold: 2 });
    expect(verified.payload.equals(PAYLOAD)).to.equal(true);
    expect(verified.signers.map((signer) => signer.keyId)).to.have.members([ALICE.keyId, CAROL.keyId]);
  });

  it('keeps its own copy of the verified bytes', () => {
    const envelope = parseEnvelope(signEnvelope(TYPE, PAYLOAD, [ALICE]));
    const verified = verifyEnvelope(envelope, KEYRING, { payloadType: TYPE, threshold: 1 });
    envelope.payload.fill(0);
    expect(verified.payload.equals(PAYLOAD)).to.equal(true);
  });

  it('collects signatures one at a time, and a key that signs again does not count twice', () => {
    const first = signEnvelope(TYPE, PAYLOAD, [ALICE]);
    const twice = addSignature(parseEnvelope(first), ALICE);
    const both = addSignature(parseEnvelope(twice), BOB);
    expect(twice.equals(first)).to.equal(true);
    expect(verdictOn(twice)).to.equal('signature-threshold-not-met');
    expect(verdictOn(both)).to.equal('accepted');
  });

  describe('attacks', () => {
    const sigOf = (members: Members, index: number) => members.signatures[index]?.sig ?? '';
    const attacks: Record<string, { bytes: () => Uint8Array; keyring?: PublicKey[]; expected: string }> = {
      'one of two signatures': {
        bytes: () => signEnvelope(TYPE, PAYLOAD, [ALICE]),
        expected: 'signature-threshold-not-met',
      },
      'the same signature twice': {
        bytes: () => altered((m) => (m.signatures[1] = { sig: sigOf(m, 0) })),
        expected: 'signature-threshold-not-met',
      },
      'the same signature under the name of another trusted key': {
        bytes: () => altered((m) => (m.signatures[1] = { keyid: BOB.keyId, sig: sigOf(m, 0) })),
        expected: 'signature-threshold-not-met',
      },
      'a stranger who signs under a trusted name': {
        bytes: () =>
          altered(
            (m) => (m.signatures[1] = { keyid: BOB.keyId, sig: sigOf(m, 1) }),
            signEnvelope(TYPE, PAYLOAD, [ALICE, MALLORY]),
          ),
        expected: 'signature-threshold-not-met',
      },
      'a changed payload': {
        bytes: () => altered((m) => (m.payload = Buffer.from('{"payload":"bytez"}').toString('base64'))),
        expected: 'signature-threshold-not-met',
      },
      'another payload type': {
        bytes: () => altered((m) => (m.payloadType = 'application/other')),
        expected: 'payload-type-mismatch',
      },
      'a signature made for another payload type': {
        bytes: () => altered((m) => (m.payloadType = TYPE), signEnvelope('application/other', PAYLOAD, [ALICE, BOB])),
        expected: 'signature-threshold-not-met',
      },
      'an unknown field': { bytes: () => altered((m) => (m.extra = 1)), expected: 'envelope-malformed' },
      'an unknown field in a signature': {
        bytes: () => altered((m) => Object.assign(m.signatures[0] ?? {}, { cert: '' })),
        expected: 'envelope-malformed',
      },
      'no signature': { bytes: () => altered((m) => (m.signatures = [])), expected: 'envelope-malformed' },
      'signatures that are no list': {
        bytes: () => altered((m) => Object.assign(m, { signatures: { 0: m.signatures[0] } })),
        expected: 'envelope-malformed',
      },
      'a key id that is no text': {
        bytes: () => altered((m) => Object.assign(m.signatures[0] ?? {}, { keyid: 7 })),
        expected: 'envelope-malformed',
      },
      'base64 with set bits after the last byte': {
        bytes: () => altered((m) => (m.payload = m.payload.replace(/Q==$/, 'R=='))),
        expected: 'envelope-malformed',
      },
      'base64 without padding': {
        bytes: () => altered((m) => (m.payload = m.payload.replaceAll('=', ''))),
        expected: 'envelope-malformed',
      },
      'base64 with white space': {
        bytes: () => altered((m) => (m.payload = `${m.payload.slice(0, 4)}\n${m.payload.slice(4)}`)),
        expected: 'envelope-malformed',
      },
      'two alphabets in one text': {
        bytes: () => altered((m) => Object.assign(m.signatures[0] ?? {}, { sig: `+_${sigOf(m, 0).slice(2)}` })),
        expected: 'envelope-malformed',
      },
      'a payload that is given twice': {
        bytes: () => Buffer.from(signEnvelope(TYPE, PAYLOAD, [ALICE, BOB]).toString().replace('{', '{"payload":"",')),
        expected: 'envelope-malformed',
      },
      'too many signatures': {
        bytes: () =>
          altered(
            (m) => (m.signatures = Array.from({ length: LIMITS.signatureCount + 1 }, () => ({ sig: sigOf(m, 0) }))),
          ),
        expected: 'too-many-signatures',
      },
      'an envelope over the limit': {
        bytes: () => Buffer.alloc(LIMITS.envelopeBytes + 1, 0x20),
        expected: 'envelope-too-large',
      },
      'bytes that are no JSON': { bytes: () => Buffer.from('nope'), expected: 'envelope-malformed' },
      'a list instead of an object': { bytes: () => Buffer.from('[]'), expected: 'envelope-malformed' },
      'bytes that are no UTF-8': { bytes: () => Buffer.from([0x7b, 0xff, 0x7d]), expected: 'envelope-malformed' },
    };
    for (const [name, { bytes, expected }] of Object.entries(attacks)) {
      it(`refuses ${name}`, () => expect(verdictOn(bytes())).to.equal(expected));
    }
    it('has a row for each attack', () => expect(Object.keys(attacks)).to.have.length(22));
  });

  it('counts a key once that stands in our keyring under two spellings', () => {
    const envelope = parseEnvelope(signEnvelope(TYPE, PAYLOAD, [ALICE]));
    const respelt = { keyId: 'another-name', publicKeyPem: ALICE.publicKeyPem.replaceAll('\n', '\r\n') };
    expect(() => verifyEnvelope(envelope, [ALICE, respelt], { payloadType: TYPE, threshold: 2 })).to.throw(
      RejectedError,
      'expected signatures of 2 trusted keys, got 1',
    );
  });

  it('takes the key id for a hint: absent, wrong or unknown ids change nothing', () => {
    for (const keyid of [undefined, BOB.keyId, 'unknown']) {
      const bytes = altered((m) => (m.signatures = m.signatures.map(({ sig }) => ({ keyid, sig }))));
      expect(verdictOn(bytes), `key id ${keyid}`).to.equal('accepted');
    }
  });

  it('accepts the URL-safe alphabet, as the specification demands', () => {
    const urlSafe = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_');
    const bytes = altered((m) => {
      m.payload = urlSafe(m.payload);
      m.signatures = m.signatures.map(({ sig }) => ({ sig: urlSafe(sig) }));
    });
    expect(verdictOn(bytes)).to.equal('accepted');
  });

  it('ignores a signature of another kind beside enough good ones', () => {
    const bytes = altered((m) => m.signatures.unshift({ keyid: 'ecdsa', sig: Buffer.alloc(71).toString('base64') }));
    expect(verdictOn(bytes)).to.equal('accepted');
  });

  for (const threshold of [0, -1, Number.NaN]) {
    it(`throws on a threshold of ${threshold} instead of accepting anything`, () => {
      const envelope = parseEnvelope(signEnvelope(TYPE, PAYLOAD, [MALLORY]));
      expect(() => verifyEnvelope(envelope, KEYRING, { payloadType: TYPE, threshold })).to.throw(RangeError);
    });
  }

  it('refuses to sign without a key or over the limit', () => {
    expect(() => signEnvelope(TYPE, PAYLOAD, [])).to.throw(RangeError);
    expect(() => signEnvelope(TYPE, Buffer.alloc(LIMITS.envelopeBytes), [ALICE])).to.throw(RejectedError);
  });

  it('whatever one byte is changed, yields the same payload or nothing (property)', () => {
    const signed = signEnvelope(TYPE, PAYLOAD, [ALICE, BOB]);
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (index, mask) => {
        const bytes = Buffer.from(signed);
        bytes[index] = (bytes[index] ?? 0) ^ mask;
        try {
          const verified = verifyEnvelope(parseEnvelope(bytes), KEYRING, { payloadType: TYPE, threshold: 2 });
          expect(verified.payload.equals(PAYLOAD)).to.equal(true);
        } catch (error) {
          expect(error).to.be.instanceOf(RejectedError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives back any payload and type byte for byte (property)', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.string({ minLength: 1, unit: 'binary' }),
        (payload, payloadType) => {
          fc.pre(payloadType.isWellFormed());
          const bytes = signEnvelope(payloadType, payload, [ALICE]);
          const verified = verifyEnvelope(parseEnvelope(bytes), KEYRING, { payloadType, threshold: 1 });
          expect(verified.payload.equals(payload)).to.equal(true);
          expect(signEnvelope(payloadType, verified.payload, [ALICE]).equals(bytes)).to.equal(true);
        },
      ),
    );
  });
});
