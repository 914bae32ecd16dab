/**
 * The fixed set of a refusal drill for one host: what is sent, and the code that it must be refused with. Pure.
 *
 * Whoever holds no approver's key can take away from a signed order, change it, send it again or to somebody else; the rest has
 * to be signed for the drill. The rule that a row drills speaks before the rules that would refuse the order for another
 * reason, so its code shows that it spoke.
 */
import { DRILL_CODES, DRILL_ROWS, type DrillRowName, type PreparedRowName } from '../../shared/orders/drill.ts';
import { drillLeaf } from '../../shared/orders/drill-order.ts';
import { previewEnableOrder } from '../../shared/orders/enable-order.ts';
import { unmetBy } from '../../shared/orders/quorum.ts';
import type { Enable } from '../../shared/rpc/generated/messages.ts';
import { HASH_BYTES } from '../../shared/transparency/merkle.ts';
import { attachSignature, parseEnvelope, signEnvelope, verifyApprovals } from '../../shared/trust/dsse.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import { keyedApprovers, type Policy } from '../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import type { DrillOrderRow } from '../store/drill-schema.ts';

/** What a host is drilled with. */
export interface DrillGround {
  readonly prepared: ReadonlyMap<string, DrillOrderRow>;
  /** Whether what the orders were prepared for is what stands there now. */
  readonly isStanding: boolean;
  readonly epoch: number;
  readonly policy: Policy;
  /** In no policy. */
  readonly stranger: SigningKey;
  /** The order that opened the gate of the application there last, as it was sent; undefined when none ever did. */
  readonly admitted: Enable | undefined;
  readonly nowMs: number;
}

/** An order without what shows that it is in the log. */
export type UnprovenEnable = Omit<Enable, 'logProof' | 'logConsistency'>;

export type PlannedOffer =
  | { readonly row: DrillRowName; readonly expected: string; readonly enable: UnprovenEnable }
  | { readonly row: DrillRowName; readonly notRun: string };

export function plannedOffers(ground: DrillGround): PlannedOffer[] {
  return DRILL_ROWS.map((row) => MAKERS[row](row, ground));
}

type Maker = (row: DrillRowName, ground: DrillGround) => PlannedOffer;

const MAKERS: Readonly<Record<DrillRowName, Maker>> = {
  'unknown-field': changed(withUnknownField),
  'wrong-signer': changed((envelope, { stranger }) =>
    signEnvelope(STATEMENT_PAYLOAD_TYPE, parseEnvelope(envelope).payload, [stranger]),
  ),
  tampered: changed(withByteChanged),
  'below-threshold': belowThreshold,
  'wrong-evidence': asPrepared,
  'wrong-host': asPrepared,
  'wrong-log': changed((envelope) => envelope),
  expired: asPrepared,
  'not-yet-valid': asPrepared,
  'earlier-epoch': asPrepared,
  replayed,
};

const NOT_PREPARED = 'no order was signed for it: keyturn drill prepare';
const OUTDATED = 'what stands there is not what the orders were signed for: keyturn drill prepare';

function asPrepared(row: DrillRowName, ground: DrillGround): PlannedOffer {
  const prepared = ground.prepared.get(row);
  if (!prepared) return { row, notRun: NOT_PREPARED };
  if (!ground.isStanding) return { row, notRun: OUTDATED };
  if (row === 'earlier-epoch' && boundEpoch(row, prepared) === ground.epoch) return { row, notRun: OUTDATED };
  return { row, expected: codeOf(row), enable: enableOf(row as PreparedRowName, prepared) };
}

/** Made of the order that is over, whose evidence is good. */
function changed(change: (envelope: Buffer, ground: DrillGround) => Buffer): Maker {
  return (row, ground) => {
    const offer = asPrepared('expired', ground);
    if ('notRun' in offer) return { row, notRun: offer.notRun };
    const { enable } = offer;
    return { row, expected: codeOf(row), enable: { ...enable, envelope: change(enable.envelope, ground) } };
  };
}

function belowThreshold(row: DrillRowName, ground: DrillGround): PlannedOffer {
  const { policy } = ground;
  const offer = changed((envelope) => withOneSignature(envelope, policy))(row, ground);
  if ('notRun' in offer) return offer;
  const { approvals } = verifyApprovals(parseEnvelope(offer.enable.envelope), keyedApprovers(policy), {
    payloadType: STATEMENT_PAYLOAD_TYPE,
  });
  if (policy.rules.every((rule) => unmetBy(approvals, rule).length > 0)) return offer;
  return { row, notRun: 'the policy has a rule that one signature is enough for' };
}

function replayed(row: DrillRowName, { admitted, isStanding, prepared, epoch, nowMs }: DrillGround): PlannedOffer {
  if (!admitted) return { row, notRun: 'no order has ever opened this gate' };
  const truth = prepared.get('expired');
  if (!truth) return { row, notRun: NOT_PREPARED };
  if (!isStanding || admitted.runId !== truth.run_id || admitted.head !== truth.head) {
    return { row, notRun: 'what stands there is not what the last order opened' };
  }
  const { expiresMs } = previewEnableOrder(parseEnvelope(admitted.envelope).payload);
  const { logProof: _proof, logConsistency: _growth, ...enable } = admitted;
  if (nowMs >= expiresMs) return { row, expected: 'order-expired', enable };
  return { row, expected: admitted.epoch === epoch ? 'order-replayed' : 'order-of-another-epoch', enable };
}

function enableOf(row: PreparedRowName, prepared: DrillOrderRow): UnprovenEnable {
  const { app, host, envelope, run_id, evidence_index, evidence_path } = prepared;
  const bound = drillLeaf(row, { host, run: run_id, head: prepared.head, epoch: prepared.epoch });
  const evidencePath = [];
  for (let at = 0; at < evidence_path.length; at += HASH_BYTES) {
    evidencePath.push(evidence_path.subarray(at, at + HASH_BYTES));
  }
  const { head, epoch } = bound;
  return { app, envelope, runId: run_id, head, epoch, evidenceIndex: evidence_index, evidencePath };
}

function boundEpoch(row: PreparedRowName, { host, run_id, head, epoch }: DrillOrderRow): number {
  return drillLeaf(row, { host, run: run_id, head, epoch }).epoch;
}

function withUnknownField(envelope: Buffer): Buffer {
  const members = JSON.parse(envelope.toString('utf8')) as object;
  return Buffer.from(JSON.stringify({ ...members, drill: 'unknown-field' }));
}

/** In the reason, where a person would want it. */
function withByteChanged(envelope: Buffer): Buffer {
  const { payloadType, payload, signatures } = parseEnvelope(envelope);
  const changedPayload = Buffer.from(payload.toString('utf8').replace('refusal drill', 'refusal dril1'));
  return signatures.reduce<Buffer>((built, { keyId = '', signature }, index) => {
    const before = index === 0 ? { payloadType, payload: changedPayload, signatures: [] } : parseEnvelope(built);
    return attachSignature(before, { keyId, signature });
  }, Buffer.alloc(0));
}

/** The first that counts. */
function withOneSignature(envelope: Buffer, policy: Policy): Buffer {
  const { payloadType, payload, signatures } = parseEnvelope(envelope);
  const approvers = keyedApprovers(policy);
  const kept = signatures.find(({ keyId }) => approvers.some(({ key }) => key.keyId === keyId)) ?? signatures[0];
  if (!kept) return envelope;
  const { keyId = '', signature } = kept;
  return attachSignature({ payloadType, payload, signatures: [] }, { keyId, signature });
}

function codeOf(row: DrillRowName): string {
  return row === 'replayed' ? 'order-replayed' : DRILL_CODES[row];
}
