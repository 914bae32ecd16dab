/** P2: what a host answered, and nobody for it. */
import { expect } from 'chai';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import { type Receipt, signReceipt, verifyReceipt } from '../../../shared/orders/receipt.ts';
import { parseEnvelope, signEnvelope } from '../../../shared/trust/dsse.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../shared/trust/statement.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

const KEY = generateKey();
const ORDER = Buffer.from('an order');
const ADMITTED: Receipt = {
  host: 'contabo',
  app: 'iu-cutter',
  order: sha256(ORDER),
  answer: 'admitted',
  code: undefined,
  epoch: 3,
  logSize: 12,
  atMs: Date.parse('2026-11-22T12:00:00.000Z'),
};
const REFUSED: Receipt = { ...ADMITTED, answer: 'refused', code: 'order-expired' };

const verify = (envelope: Uint8Array, change: { host?: string; publicKey?: string; order?: Buffer } = {}) =>
  verifyReceipt(envelope, { host: 'contabo', publicKey: KEY.publicKeyPem, order: ORDER, ...change });

describe('shared/orders/receipt', () => {
  for (const receipt of [ADMITTED, REFUSED, { ...ADMITTED, answer: 'killed', epoch: 4, logSize: undefined } as const]) {
    it(`says that an order was ${receipt.answer}`, () => {
      expect(verify(signReceipt(receipt, KEY))).to.deep.equal(receipt);
    });
  }

  it('has a code for a refusal, and for nothing else', () => {
    expect(() => signReceipt({ ...ADMITTED, code: 'order-expired' }, KEY)).to.throw();
    expect(() => signReceipt({ ...REFUSED, code: undefined }, KEY)).to.throw();
  });

  function resigned(change: (statement: { subject: object[]; predicate: object }) => void): Buffer {
    const statement = JSON.parse(parseEnvelope(signReceipt(ADMITTED, KEY)).payload.toString());
    change(statement);
    return signEnvelope(STATEMENT_PAYLOAD_TYPE, encodeCanonical(statement), [KEY]);
  }

  const refused: Readonly<Record<string, readonly [act: () => unknown, code: string]>> = {
    'signed by another host': [() => verify(signReceipt(ADMITTED, generateKey())), 'signature-threshold-not-met'],
    'of another host': [() => verify(signReceipt({ ...ADMITTED, host: 'other' }, KEY)), 'receipt-of-another-host'],
    'for another order': [
      () => verify(signReceipt(ADMITTED, KEY), { order: Buffer.from('x') }),
      'receipt-of-another-order',
    ],
    'with a member that is not known': [
      () => verify(resigned(({ predicate }) => Object.assign(predicate, { more: 1 }))),
      'receipt-malformed',
    ],
    'with an answer that is not known': [
      () => verify(resigned(({ predicate }) => Object.assign(predicate, { answer: 'maybe' }))),
      'receipt-malformed',
    ],
    'that turns an admission into a refusal without a code': [
      () => verify(resigned(({ predicate }) => Object.assign(predicate, { answer: 'refused' }))),
      'receipt-malformed',
    ],
    'with two subjects': [
      () => verify(resigned(({ subject }) => subject.push({ ...subject[0] }))),
      'receipt-malformed',
    ],
    'that is none': [() => verify(Buffer.from('{}')), 'envelope-malformed'],
  };
  for (const [what, [act, code]] of Object.entries(refused)) {
    it(`refuses one ${what}`, () => {
      expect(codeThrownBy(act)).to.equal(code);
    });
  }
});
