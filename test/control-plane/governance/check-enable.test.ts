/** What the control plane refuses of an enable order before any host hears of it. */
import { expect } from 'chai';
import { checkEnable } from '../../../control-plane/governance/check-enable.ts';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { encodeKillOrder } from '../../../shared/orders/kill-order.ts';
import {
  LEAVES,
  MINUTE_MS,
  NOW_MS,
  orderOf,
  PEOPLE,
  policyOf,
  QUORUM,
  STRANGER,
  sign,
} from '../../support/enable-world.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

const ORDER = encodeEnableOrder(orderOf());
const { anna, bela, carl } = PEOPLE;

const honest = { envelope: sign(ORDER), leaves: LEAVES, policy: policyOf(), nowMs: NOW_MS };
const check = ({ envelope, ...facts }: typeof honest) => checkEnable(envelope, facts);

const REFUSED: Readonly<Record<string, { change: Partial<typeof honest>; code: string }>> = {
  'nobody of the policy signed it': {
    change: { envelope: sign(ORDER, [STRANGER]) },
    code: 'signature-threshold-not-met',
  },
  'too few of a team signed it': { change: { envelope: sign(ORDER, [anna.key, carl.key]) }, code: 'quorum-not-met' },
  'a team is missing': { change: { envelope: sign(ORDER, [anna.key, bela.key]) }, code: 'quorum-not-met' },
  'nobody touched a key where all rules demand it': {
    change: { policy: policyOf({ presence: 'required', quorum: [{ team: 'security', count: 1 }] }) },
    code: 'quorum-not-met',
  },
  'it is no enable order': {
    change: {
      envelope: sign(encodeKillOrder({ app: 'iu-cutter', hosts: undefined, issuedAtMs: NOW_MS, reason: 'smoke' })),
    },
    code: 'predicate-type-mismatch',
  },
  'it comes with no host': { change: { leaves: [] }, code: 'evidence-not-in-order' },
  'it comes with one host less': { change: { leaves: LEAVES.slice(1) }, code: 'evidence-not-in-order' },
  'a host has another epoch': {
    change: { leaves: LEAVES.map((leaf, index) => (index === 4 ? { ...leaf, epoch: leaf.epoch + 1 } : leaf)) },
    code: 'evidence-not-in-order',
  },
  'its window has ended': { change: { nowMs: NOW_MS + 60 * MINUTE_MS }, code: 'order-expired' },
};

describe('control-plane/governance/check-enable', () => {
  it('takes an honest order, and knows each of its hosts', () => {
    const { order, tree } = check(honest);
    expect(order.reason).to.equal('the cut of November');
    expect(tree.leaves).to.deep.equal([...LEAVES].sort((a, b) => (a.host < b.host ? -1 : 1)));
  });

  it('takes an order that is good for one of several rules: which one a host has is the host’s to know', () => {
    const [rule] = policyOf().rules;
    const strict = { ...rule, match: { env: 'vault' }, quorum: [{ team: 'operations', count: 3 }] };
    const policy = policyOf({}, { rules: [strict, rule] as never });
    expect(check({ ...honest, policy, envelope: sign(ORDER, QUORUM) }).order.app).to.equal('iu-cutter');
  });

  it('has 9 rows', () => expect(Object.keys(REFUSED)).to.have.length(9));
  for (const [name, { change, code }] of Object.entries(REFUSED)) {
    it(`refuses an order when ${name}`, () => {
      expect(codeThrownBy(() => check({ ...honest, ...change }))).to.equal(code);
    });
  }
});
