/** P2, P3, P4, P9: what opens a gate, and everything else. Each row of the table is somebody who owns something and wants it open. */
import { expect } from 'chai';
import fc from 'fast-check';
import { admit, type EnableOffer } from '../../../shared/orders/admit.ts';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { parseEnvelope, signEnvelope } from '../../../shared/trust/dsse.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../shared/trust/statement.ts';
import {
  CARLS_CARD,
  DORAS_CARD,
  factsOf,
  honestOffer,
  offerOf,
  orderOf,
  PEOPLE,
  policyOf,
  QUORUM,
  STRANGER,
  sign,
  signWithCard,
} from '../../support/enable-world.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

import { ADMISSION_ATTACKS, type Attempt, payloadOf, signedBy } from './admission-attacks.ts';

const { anna, carl } = PEOPLE;

function attempt({ offer, facts }: Attempt): string {
  return codeThrownBy(() => admit(offer, factsOf(facts)));
}

describe('shared/orders/admit', () => {
  it('admits the honest order, says who counted, and which checkpoint to remember', () => {
    const offer = honestOffer();
    const { order, approvals, checkpoint } = admit(offer, factsOf());
    expect(order).to.deep.equal(orderOf());
    expect(approvals.map(({ approver }) => approver.holder)).to.deep.equal(['anna', 'bela', 'carl']);
    expect(checkpoint.size).to.equal(7);
  });

  it('admits it from a host that has never seen the log', () => {
    expect(codeThrownBy(() => admit(honestOffer(), factsOf({ seen: () => undefined })))).to.equal(
      'nothing was refused',
    );
  });

  it('admits it with signatures of cards, of ssh-keygen and of people who do not count among them', () => {
    const envelope = signWithCard(sign(payloadOf(), [STRANGER, anna.key, carl.key]), DORAS_CARD);
    expect(admit(offerOf(envelope), factsOf()).approvals).to.have.length(3);
  });

  it('admits it where the policy asks for a touch and every card says so', () => {
    const quorum = [
      { team: 'operations', count: 1 },
      { team: 'security', count: 1 },
    ];
    const envelope = signWithCard(signWithCard(sign(payloadOf(), [anna.key]), DORAS_CARD), CARLS_CARD);
    const { approvals } = admit(offerOf(envelope), factsOf({ policy: policyOf({ presence: 'required', quorum }) }));
    expect(approvals).to.have.length(3);
  });

  it('admits it at the first and the last millisecond of its window', () => {
    const { notBeforeMs, expiresMs } = orderOf();
    for (const nowMs of [notBeforeMs, expiresMs - 1]) {
      const facts = factsOf({ nowMs, freshUntilMs: expiresMs });
      expect(codeThrownBy(() => admit(honestOffer(), facts))).to.equal('nothing was refused');
    }
  });

  it('has at least sixty ways in', () => {
    expect(Object.keys(ADMISSION_ATTACKS).length).to.be.at.least(60);
  });

  for (const [what, [code, make]] of Object.entries(ADMISSION_ATTACKS)) {
    it(`${code === 'nothing was refused' ? 'is not fooled, nor hindered, by' : 'refuses'} ${what}`, () => {
      expect(attempt(make())).to.equal(code);
    });
  }

  it('admits no offer with a bit changed anywhere (property)', () => {
    const { envelope, evidence: proof, logProof, consistency } = honestOffer();
    const parts = [envelope, logProof, ...proof.path, ...consistency].map((part) => Buffer.from(part));
    const pick = fc.record({ part: fc.nat({ max: parts.length - 1 }), at: fc.nat(), bit: fc.nat({ max: 7 }) });
    fc.assert(
      fc.property(pick, ({ part, at, bit }) => {
        const changed = parts.map((bytes, index) => {
          if (index !== part) return bytes;
          const copy = Buffer.from(bytes);
          copy.writeUInt8(copy.readUInt8(at % copy.length) ^ (1 << bit), at % copy.length);
          return copy;
        });
        const [other, log, ...rest] = changed as [Buffer, Buffer, ...Buffer[]];
        const offer: EnableOffer = {
          envelope: other,
          logProof: log,
          evidence: { ...proof, path: rest.slice(0, proof.path.length) },
          consistency: rest.slice(proof.path.length),
        };
        expect(codeThrownBy(() => admit(offer, factsOf()))).to.not.equal('nothing was refused');
      }),
      { numRuns: 500 },
    );
  });

  it('needs each of its signatures: with any of them left out it is refused', () => {
    for (const left of QUORUM) {
      const keys = QUORUM.filter((key) => key !== left);
      expect(attempt(signedBy(...keys))).to.equal('quorum-not-met');
    }
  });

  it('says of what people sign only what the host reads back', () => {
    const envelope = parseEnvelope(signEnvelope(STATEMENT_PAYLOAD_TYPE, payloadOf(), [anna.key]));
    expect(envelope.payload.equals(encodeEnableOrder(orderOf()))).to.equal(true);
    const changed = { app: 'x y', version: '', reason: '', nonce: 'short', leaseMs: 1, entrypoints: ['b', 'a'] };
    for (const [member, value] of Object.entries(changed)) {
      expect(() => payloadOf({ [member]: value }), member).to.throw();
    }
  });
});
