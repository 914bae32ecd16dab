import { expect } from 'chai';

import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { parseEnvelope, signEnvelope, type VerifiedEnvelope, verifyEnvelope } from '../../../shared/trust/dsse.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import {
  EXECUTION_ENABLE_PREDICATE,
  EXECUTION_KILL_PREDICATE,
  encodeStatement,
  LEDGER_HEAD_PREDICATE,
  parseStatement,
  RULING_PREDICATE,
  STATEMENT_PAYLOAD_TYPE,
} from '../../../shared/trust/statement.ts';

const KEY = generateKey();
const DIGEST = 'a'.repeat(64);
const STATEMENT = {
  subject: [{ name: 'iu-cutter-0.4.0', digest: { sha256: DIGEST } }],
  predicateType: EXECUTION_ENABLE_PREDICATE,
  predicate: { app: 'iu-cutter', epoch: 3 },
};

function verified(payload: Uint8Array, payloadType = STATEMENT_PAYLOAD_TYPE): VerifiedEnvelope {
  const envelope = parseEnvelope(signEnvelope(payloadType, payload, [KEY]));
  return verifyEnvelope(envelope, [KEY], { payloadType, threshold: 1 });
}

function codeOf(payload: Uint8Array): string {
  try {
    parseStatement(verified(payload), EXECUTION_ENABLE_PREDICATE);
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('shared/trust/statement', () => {
  it('gives back what was encoded, and encodes it to the same bytes', () => {
    const bytes = encodeStatement(STATEMENT);
    const parsed = parseStatement(verified(bytes), EXECUTION_ENABLE_PREDICATE);
    expect(parsed).to.deep.equal(STATEMENT);
    expect(encodeStatement(parsed).equals(bytes)).to.equal(true);
  });

  it('is what in-toto calls a v1 statement', () => {
    expect(JSON.parse(encodeStatement(STATEMENT).toString())).to.deep.equal({
      _type: 'https://in-toto.io/Statement/v1',
      ...STATEMENT,
    });
  });

  it('keeps the kinds apart', () => {
    const kinds = [LEDGER_HEAD_PREDICATE, RULING_PREDICATE, EXECUTION_ENABLE_PREDICATE, EXECUTION_KILL_PREDICATE];
    expect(new Set(kinds).size).to.equal(4);
    for (const kind of kinds) expect(kind).to.match(/^https:\/\/keyturn\.dev\/attestation\/[a-z-]+\/v1$/);
    const kill = encodeStatement({ ...STATEMENT, predicateType: EXECUTION_KILL_PREDICATE });
    expect(codeOf(kill)).to.equal('predicate-type-mismatch');
  });

  it('reads only envelopes of statements', () => {
    const envelope = verified(encodeStatement(STATEMENT), 'application/other');
    expect(() => parseStatement(envelope, EXECUTION_ENABLE_PREDICATE)).to.throw(RejectedError, 'payload type');
  });

  const raw = { _type: 'https://in-toto.io/Statement/v1', ...STATEMENT };
  const refused: Record<string, { value: unknown; code?: string }> = {
    'an unknown field': { value: { ...raw, extra: true } },
    'an unknown field in a subject': { value: { ...raw, subject: [{ ...raw.subject[0], uri: 'x' }] } },
    'another statement type': { value: { ...raw, _type: 'https://in-toto.io/Statement/v0.1' } },
    'no statement type': { value: { ...raw, _type: undefined } },
    'no subject': { value: { ...raw, subject: [] } },
    'a subject that is no list': { value: { ...raw, subject: raw.subject[0] } },
    'a subject without a name': { value: { ...raw, subject: [{ name: '', digest: { sha256: DIGEST } }] } },
    'a subject without a digest': { value: { ...raw, subject: [{ name: 'x' }] } },
    'an upper-case digest': { value: { ...raw, subject: [{ name: 'x', digest: { sha256: DIGEST.toUpperCase() } }] } },
    'a weaker digest beside it': { value: { ...raw, subject: [{ name: 'x', digest: { sha256: DIGEST, md5: 'x' } }] } },
    'a predicate that is no object': { value: { ...raw, predicate: [] } },
    'no predicate': { value: { ...raw, predicate: undefined } },
    'another predicate type': { value: { ...raw, predicateType: 'x' }, code: 'predicate-type-mismatch' },
    'a list instead of a statement': { value: [raw] },
  };
  for (const [name, { value, code }] of Object.entries(refused)) {
    it(`refuses ${name}`, () => expect(codeOf(encodeCanonical(value))).to.equal(code ?? 'statement-malformed'));
  }
  it('has a row for each refusal', () => expect(Object.keys(refused)).to.have.length(14));

  it('refuses signed bytes in a second spelling', () => {
    expect(codeOf(Buffer.from(JSON.stringify(raw, null, 1)))).to.equal('not-canonical-json');
    expect(codeOf(Buffer.from('{}{'))).to.equal('not-canonical-json');
  });

  it('throws when asked to encode what it would refuse', () => {
    expect(() => encodeStatement({ ...STATEMENT, subject: [] })).to.throw(RejectedError);
  });
});
