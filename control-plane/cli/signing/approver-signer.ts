/**
 * Somebody who can sign a decision, whatever his key is kept in.
 *
 * 1. What is signed is the DSSE encoding of payload type and payload, wherever the signature is made.
 * 2. A signature is verified with the key's public half before anybody gets it: what keeps the key may be out of order.
 */
import { RejectedError } from '../../../shared/errors.ts';
import type { ApproverKey } from '../../../shared/trust/approver-key.ts';
import { preAuthEncoding } from '../../../shared/trust/dsse.ts';
import { type KeyedApprover, keyedApprovers, POLICY_PATH, type Policy } from '../../../shared/trust/policy.ts';
import type { SshPresence } from '../../../shared/trust/sshsig.ts';

export interface DsseSignature {
  readonly keyId: string;
  readonly signature: Buffer;
  /** What the key says of the person; a policy may ask for a touch. */
  readonly presence: SshPresence;
}

export interface ApproverSigner {
  /** The public half. */
  readonly key: ApproverKey;
  /** Who makes the signature. */
  readonly how: 'pkcs8' | 'ssh-agent' | 'ssh-keygen';
  /** May wait for somebody to type or to touch. Errors: `signature-does-not-verify`, and those of who makes it. */
  sign(payloadType: string, payload: Uint8Array): Promise<DsseSignature>;
  /** Lets go of what it holds; it signs nothing afterwards. */
  close(): void;
}

/** The exact bytes that a signature of the decision is over: for `ssh-keygen -Y sign` on a machine without Keyturn. */
export function decisionBytes(payloadType: string, payload: Uint8Array): Buffer {
  return preAuthEncoding(payloadType, payload); // 1
}

export interface MadeSignature {
  readonly message: Uint8Array;
  readonly signature: Buffer;
  /** Who made it, for errors. */
  readonly by: string;
}

/** Errors: `signature-does-not-verify`. */
export function checkedSignature(key: ApproverKey, { message, signature, by }: MadeSignature): DsseSignature {
  const presence = key.verify(message, signature); // 2
  if (presence !== undefined) return { keyId: key.keyId, signature, presence };
  throw new RejectedError(
    'signature-does-not-verify',
    `failed to sign: what ${by} gave is no signature of key "${key.keyId}" over this decision`,
  );
}

/** Whose key it is, so that nobody is asked to sign what will count for nothing. Errors: `approver-not-in-policy`. */
export function approverOf(policy: Policy, { keyId }: ApproverKey): KeyedApprover {
  const approver = keyedApprovers(policy).find(({ key }) => key.keyId === keyId);
  if (approver) return approver;
  throw new RejectedError('approver-not-in-policy', `failed to approve: ${POLICY_PATH} has no approver "${keyId}"`, {
    hint: 'name the key that stands there; whoever holds the targets keys adds another with `keyturn policy sign`',
  });
}
