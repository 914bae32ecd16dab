/**
 * An approval by somebody who wants no program of ours near the key: `decisionBytes` in a file,
 * `ssh-keygen -Y sign -n decision@keyturn.dev -f KEY FILE` on a machine of theirs, and the `.sig` file brought back.
 */
import { RejectedError } from '../../../shared/errors.ts';
import { APPROVAL_NAMESPACE, type ApproverKey, parseApproverKey } from '../../../shared/trust/approver-key.ts';
import { claimedSshKey, unarmour } from '../../../shared/trust/sshsig.ts';
import { type DsseSignature, decisionBytes } from './approver-signer.ts';

export interface DetachedDecision {
  readonly payloadType: string;
  readonly payload: Uint8Array;
}

/**
 * `publicKey` is SPKI PEM or a line of a `.pub` file. Errors: those of `parseApproverKey`; `ssh-signature-malformed`,
 * `signature-of-another-key`, `signature-of-another-decision`.
 */
export function approvalFromArmor(
  armored: string,
  publicKey: string,
  { payloadType, payload }: DetachedDecision,
): DsseSignature {
  const key = parseApproverKey(publicKey);
  const signature = unarmour(armored);
  checkClaim(signature, key);
  const presence = key.verify(decisionBytes(payloadType, payload), signature);
  if (presence !== undefined) return { keyId: key.keyId, signature, presence };
  throw new RejectedError(
    'signature-of-another-decision',
    'failed to take the approval: it is by this key, and neither over these bytes nor for this purpose',
    { hint: `sign the file as it is, with: ssh-keygen -Y sign -n ${APPROVAL_NAMESPACE} -f KEY FILE` },
  );
}

/** By the id: a security key is another key than a file with the same bytes. */
function checkClaim(signature: Uint8Array, { keyId }: ApproverKey): void {
  const claimed = claimedSshKey(signature);
  if (claimed.keyId === keyId) return;
  throw new RejectedError(
    'signature-of-another-key',
    `failed to take the approval: expected one of key "${keyId}", it is of "${claimed.keyId}"`,
  );
}
