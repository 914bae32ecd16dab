/** P4: anybody in charge can kill, whatever the clock, the release or the order says; nobody else can, and no kill is bent to mean another. */
import { expect } from 'chai';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { encodeKillOrder, type KillOrder, verifyKillOrder } from '../../../shared/orders/kill-order.ts';
import { preAuthEncoding, signEnvelope } from '../../../shared/trust/dsse.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../shared/trust/statement.ts';
import { DORAS_CARD, HOST, orderOf, PEOPLE, policyOf, RELEASE_KEY, STRANGER } from '../../support/enable-world.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

const ORDER: KillOrder = { app: 'iu-cutter', hosts: undefined, issuedAtMs: 0, reason: 'smoke in the room' };
const { anna, carl } = PEOPLE;
const policy = policyOf();

const sign = (order: Partial<KillOrder> = {}, key = anna.key) =>
  signEnvelope(STATEMENT_PAYLOAD_TYPE, encodeKillOrder({ ...ORDER, ...order }), [key]);
const verify = (envelope: Uint8Array) => verifyKillOrder(envelope, { policy, host: HOST });

/** The honest statement, changed and signed again by somebody who may. */
function resigned(change: (statement: { subject: object[]; predicate: Record<string, unknown> }) => void): Buffer {
  const statement = JSON.parse(encodeKillOrder(ORDER).toString());
  change(statement);
  return signEnvelope(STATEMENT_PAYLOAD_TYPE, encodeCanonical(statement), [anna.key]);
}

describe('shared/orders/kill-order', () => {
  it('is obeyed when one approver signed it, of whatever team, however old it is', () => {
    for (const { key } of [anna, carl]) expect(verify(sign({}, key)).order).to.deep.equal(ORDER);
    expect(verify(sign({ issuedAtMs: Date.parse('2031-01-01T00:00:00.000Z') })).by.holder).to.equal('anna');
  });

  it('is obeyed when a card signed it without a touch, whatever the policy asks of who enables', () => {
    const payload = encodeKillOrder(ORDER);
    const sig = DORAS_CARD.sign(preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload), { flags: 0 });
    const signatures = [{ keyid: DORAS_CARD.key.keyId, sig: sig.toString('base64') }];
    const envelope = encodeCanonical({
      payload: payload.toString('base64'),
      payloadType: STATEMENT_PAYLOAD_TYPE,
      signatures,
    });
    const strict = policyOf({ presence: 'required', quorum: [{ team: 'security', count: 1 }] });
    expect(verifyKillOrder(envelope, { policy: strict, host: HOST }).by.holder).to.equal('dora');
  });

  it('means every host, or those that it names', () => {
    expect(verify(sign({ hosts: ['another', HOST] })).order.hosts).to.deep.equal(['another', HOST]);
    expect(codeThrownBy(() => verify(sign({ hosts: ['another'] })))).to.equal('order-for-another-host');
  });

  const refused: Readonly<Record<string, readonly [envelope: () => Buffer, code: string]>> = {
    'a stranger’s': [() => sign({}, STRANGER), 'signature-threshold-not-met'],
    'the release key’s': [() => sign({}, RELEASE_KEY), 'signature-threshold-not-met'],
    'an enable order': [
      () => signEnvelope(STATEMENT_PAYLOAD_TYPE, encodeEnableOrder(orderOf()), [anna.key]),
      'predicate-type-mismatch',
    ],
    'one under another payload type': [
      () => signEnvelope('text/plain', encodeKillOrder(ORDER), [anna.key]),
      'payload-type-mismatch',
    ],
    'one with a member that is not known': [
      () => resigned(({ predicate }) => Object.assign(predicate, { mode: 'soft' })),
      'order-malformed',
    ],
    'one for no host': [() => resigned(({ predicate }) => Object.assign(predicate, { hosts: [] })), 'order-malformed'],
    'one without a reason': [() => resigned(({ predicate }) => void delete predicate.reason), 'order-malformed'],
    'one about another application than it names': [
      () => resigned(({ predicate }) => Object.assign(predicate, { app: 'iu-merger' })),
      'order-malformed',
    ],
    'one with a second subject': [
      () => resigned(({ subject }) => subject.push({ ...subject[0], name: 'x' })),
      'order-malformed',
    ],
    'no envelope': [() => Buffer.from('kill'), 'envelope-malformed'],
  };
  for (const [what, [envelope, code]] of Object.entries(refused)) {
    it(`is not ${what}`, () => {
      expect(codeThrownBy(() => verify(envelope()))).to.equal(code);
    });
  }
});
