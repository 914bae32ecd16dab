/** What a drill may call passed (P6), and that nothing that approvers sign for one can ever open a gate. */
import { expect } from 'chai';
import { admit, type EnableOffer } from '../../../shared/orders/admit.ts';
import {
  DRILL_CODES,
  DRILL_ROWS,
  type DrillResult,
  drillVerdict,
  PREPARED_ROWS,
  verdictOfDrill,
} from '../../../shared/orders/drill.ts';
import { checkDrillOrder, drillLeaf, drillOrders } from '../../../shared/orders/drill-order.ts';
import { previewEnableOrder } from '../../../shared/orders/enable-order.ts';
import { EvidenceTree } from '../../../shared/orders/evidence-leaf.ts';
import {
  EPOCH,
  factsOf,
  HOST,
  honestOffer,
  LEAVES,
  NOW_MS,
  offerOf,
  STANDING,
  sign,
} from '../../support/enable-world.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const refusedAs = (expected: string, code: string): DrillResult => ({ expected, answer: 'refused', code });

let nonces = 0;
const ORDERS = drillOrders({
  app: STANDING.app,
  version: STANDING.version,
  treeDigest: STANDING.treeDigest,
  entrypoints: ['live'],
  leaves: LEAVES,
  nowMs: NOW_MS,
  nonce: () => String(++nonces).padStart(32, '0'),
});

/** As the control plane sends it: in the log, with the path of the leaf that it is bound to. */
function offerOfRow(row: (typeof PREPARED_ROWS)[number]): EnableOffer {
  const order = ORDERS.find((one) => one.row === row);
  const leaf = LEAVES.find(({ host }) => host === HOST);
  if (!order || !leaf) throw new Error(`there is no order "${row}"`);
  const bound = drillLeaf(row, leaf);
  const proof = new EvidenceTree(order.leaves).proofFor(bound.host);
  if (!proof) throw new Error(`"${row}" does not cover ${HOST}`);
  // A host takes its own name for that of the leaf, whatever the directive says.
  return { ...offerOf(sign(order.payload)), evidence: { ...proof, leaf: { ...bound, host: HOST } } };
}

describe('shared/orders/drill', () => {
  it('has eleven rows, five of which somebody has to sign', () => {
    expect(DRILL_ROWS).to.have.length(11);
    expect(PREPARED_ROWS).to.have.length(5);
    expect(Object.keys(DRILL_CODES)).to.have.length(10);
  });

  it('calls a row refused only by the rule that it is about', () => {
    expect(drillVerdict(refusedAs('order-expired', 'order-expired'))).to.equal('refused');
    expect(drillVerdict(refusedAs('order-expired', 'not-ready'))).to.equal('refused otherwise');
    expect(drillVerdict({ expected: 'order-expired', answer: 'admitted', code: undefined })).to.equal('ADMITTED');
    expect(drillVerdict({ expected: 'order-expired', answer: undefined, code: undefined })).to.equal('no answer');
    expect(drillVerdict({ expected: undefined, answer: undefined, code: undefined })).to.equal('not run');
  });

  it('is passed by refusals alone: never by silence, by what was not run, or by nothing at all', () => {
    const good = refusedAs('order-expired', 'order-expired');
    expect(verdictOfDrill([good, good])).to.equal('passed');
    expect(verdictOfDrill([])).to.equal('open');
    expect(verdictOfDrill([good, { expected: undefined, answer: undefined, code: undefined }])).to.equal('open');
    expect(verdictOfDrill([good, { ...good, answer: undefined, code: undefined }])).to.equal('open');
    expect(verdictOfDrill([good, refusedAs('order-expired', 'not-ready')])).to.equal('failed');
    expect(verdictOfDrill([good, { ...good, answer: 'admitted', code: undefined }])).to.equal('failed');
  });

  for (const row of PREPARED_ROWS) {
    it(`an order "${row}" is refused with ${DRILL_CODES[row]}, on the day on which it is signed`, () => {
      expect(codeThrownBy(() => admit(offerOfRow(row), factsOf()))).to.equal(DRILL_CODES[row]);
    });
  }

  it('none of them opens a gate on any later day, nor in any epoch that comes', () => {
    expect(codeThrownBy(() => admit(honestOffer(), factsOf()))).to.equal('nothing was refused');
    for (const row of PREPARED_ROWS) {
      const offer = offerOfRow(row);
      for (const days of [0, 1, 400, 4_000]) {
        for (const epoch of [EPOCH, EPOCH + 1, EPOCH + 1_000]) {
          const nowMs = NOW_MS + days * DAY_MS;
          const facts = factsOf({ nowMs, epoch, freshUntilMs: nowMs + DAY_MS });
          expect(
            codeThrownBy(() => admit(offer, facts)),
            `${row} ${days} ${epoch}`,
          ).to.not.equal('nothing was refused');
        }
      }
    }
  });

  it('an earlier epoch of a gate that was never killed is one that never comes', () => {
    const [leaf] = LEAVES;
    if (!leaf) throw new Error('there are no leaves');
    expect(drillLeaf('earlier-epoch', { ...leaf, epoch: 0 }).epoch).to.equal(Number.MAX_SAFE_INTEGER);
    expect(drillLeaf('earlier-epoch', { ...leaf, epoch: 7 }).epoch).to.equal(6);
  });

  it('whoever signs is told when an order is not as dead as its row says', () => {
    const about = { leaves: LEAVES, nowMs: NOW_MS };
    for (const { row, payload } of ORDERS)
      expect(checkDrillOrder(row, previewEnableOrder(payload), about).size).to.equal(LEAVES.length);
    const [expired] = ORDERS;
    if (!expired) throw new Error('there are no orders');
    const order = previewEnableOrder(expired.payload);
    const lies = [
      { ...order, expiresMs: NOW_MS + 1 },
      { ...order, evidence: { ...order.evidence, size: 1 } },
    ];
    for (const lie of lies) {
      expect(codeThrownBy(() => checkDrillOrder('expired', lie, about))).to.equal('drill-order-malformed');
    }
    expect(codeThrownBy(() => checkDrillOrder('wrong-host', order, about))).to.equal('drill-order-malformed');
    expect(codeThrownBy(() => checkDrillOrder('earlier-epoch', order, about))).to.equal('drill-order-malformed');
  });
});
