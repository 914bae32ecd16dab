/** A decision that is signed by whatever a test opens, and whether a host would count the signature. */
import type { ApproverSigner, DsseSignature } from '../../control-plane/cli/signing/approver-signer.ts';
import { encodeEnableOrder } from '../../shared/orders/enable-order.ts';
import { type ApproverKey, parseApproverKey } from '../../shared/trust/approver-key.ts';
import { attachSignature, parseEnvelope, verifyApprovals } from '../../shared/trust/dsse.ts';
import type { SshPresence } from '../../shared/trust/sshsig.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import { orderOf } from './enable-world.ts';

export const PAYLOAD = encodeEnableOrder(orderOf());
export const OTHER_PAYLOAD = encodeEnableOrder(orderOf({ reason: 'another' }));

export async function signDecision(signer: ApproverSigner, payload = PAYLOAD): Promise<DsseSignature> {
  return await signer.sign(STATEMENT_PAYLOAD_TYPE, payload);
}

/** What a host makes of the signature, over the wire form of its envelope. Errors: those of `verifyApprovals`. */
export function countedBy(approver: string | ApproverKey, signature: DsseSignature): SshPresence | undefined {
  const key = typeof approver === 'string' ? parseApproverKey(approver) : approver;
  const unsigned = { payloadType: STATEMENT_PAYLOAD_TYPE, payload: PAYLOAD, signatures: [] };
  const envelope = parseEnvelope(attachSignature(unsigned, signature));
  const { approvals } = verifyApprovals(envelope, [{ key }], { payloadType: STATEMENT_PAYLOAD_TYPE });
  return approvals[0]?.presence;
}
