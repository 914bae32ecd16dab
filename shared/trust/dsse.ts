/**
 * DSSE v1 envelopes: signed, parsed, verified.
 *
 * 1. Only this file makes a `VerifiedEnvelope`, and its payload is the bytes that were verified.
 * 2. A threshold counts distinct public keys of the caller's keyring. The envelope's `keyid` is a hint about which key
 *    to try first; it decides nothing.
 * 3. What is over a limit, unknown or spelt in a second way is refused before any signature is looked at.
 */
import { encodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { ApproverKey } from './approver-key.ts';
import { decodeBase64 } from './base64.ts';
import { isSignedBy, type PublicKey, publicKeyHex, type SigningKey } from './keys.ts';
import type { SshPresence } from './sshsig.ts';
import { decodeJsonObject, isJsonArray, isJsonObject } from './strict-json.ts';
import { distinctSigners, type Signer } from './threshold.ts';

export type UnverifiedSignature = { readonly keyId: string | undefined; readonly signature: Buffer };

/** What an envelope says, with nothing behind it. */
export type UnverifiedEnvelope = {
  readonly payloadType: string;
  readonly payload: Buffer;
  readonly signatures: readonly UnverifiedSignature[];
};

declare const verified: unique symbol;

/** A payload that keys which the caller trusts did sign. */
export type VerifiedPayload = {
  readonly [verified]: true;
  readonly payloadType: string;
  readonly payload: Buffer;
};

/** An envelope whose payload `signers` (distinct keys of our keyring, at least the threshold) did sign. */
export type VerifiedEnvelope = VerifiedPayload & { readonly signers: readonly PublicKey[] };

/** One person's signature, of those whom the caller asked for. */
export type Approval<A> = { readonly approver: A; readonly presence: SshPresence };

/** An envelope that at least one approver signed. */
export type ApprovedEnvelope<A> = VerifiedPayload & { readonly approvals: readonly Approval<A>[] };

export type VerifyOptions = { readonly payloadType: string; readonly threshold: number };

/** Pre-authentication encoding: the bytes that DSSE signs. Lengths are in bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]);
}

/** Signs `payload` with every key; returns the envelope as canonical JSON. Throws without a key. */
export function signEnvelope(payloadType: string, payload: Uint8Array, keys: readonly SigningKey[]): Buffer {
  const message = preAuthEncoding(payloadType, payload);
  const signatures = keys.map((key) => ({ keyid: key.keyId, sig: key.sign(message).toString('base64') }));
  return encodeEnvelope(payloadType, payload, signatures);
}

/**
 * Adds one more signature to an envelope that others signed. Their signatures are kept, not checked: whoever relies on
 * the envelope verifies it. A key that signed already signs anew in its old place.
 */
export function addSignature(envelope: UnverifiedEnvelope, key: SigningKey): Buffer {
  const signature = key.sign(preAuthEncoding(envelope.payloadType, envelope.payload));
  return attachSignature(envelope, { keyId: key.keyId, signature });
}

/** The same with a signature that was made elsewhere; the envelope may have none yet. */
export function attachSignature(
  envelope: UnverifiedEnvelope,
  { keyId, signature }: { readonly keyId: string; readonly signature: Uint8Array },
): Buffer {
  const others = envelope.signatures
    .filter((other) => other.keyId !== keyId)
    .map((other) => ({ keyid: other.keyId, sig: other.signature.toString('base64') }));
  const sig = Buffer.from(signature).toString('base64');
  return encodeEnvelope(envelope.payloadType, envelope.payload, [...others, { keyid: keyId, sig }]);
}

/** Reads an envelope. Errors: `envelope-too-large`, `too-many-signatures`, `envelope-malformed`. */
export function parseEnvelope(bytes: Uint8Array): UnverifiedEnvelope {
  checkSize(bytes);
  const envelope = decodeJsonObject(bytes, { what: 'envelope', code: 'envelope-malformed' });
  checkMembers(envelope, ['payload', 'payloadType', 'signatures']);
  const { payload, payloadType, signatures } = envelope;
  if (typeof payloadType !== 'string' || payloadType === '') throw malformed('payloadType is no text');
  if (!isJsonArray(signatures) || signatures.length === 0) throw malformed('signatures is no list of at least one');
  if (signatures.length > LIMITS.signatureCount) {
    throw new RejectedError(
      'too-many-signatures',
      `failed to parse envelope: expected at most ${LIMITS.signatureCount} signatures, got ${signatures.length}`,
    );
  }
  return { payloadType, payload: decodeMember('payload', payload), signatures: signatures.map(parseSignature) };
}

/**
 * Verifies that at least `threshold` distinct keys of `keyring` signed, and that the payload is of the expected type.
 * Errors: `payload-type-mismatch`, `signature-threshold-not-met`.
 */
export function verifyEnvelope(
  envelope: UnverifiedEnvelope,
  keyring: Iterable<PublicKey>,
  options: VerifyOptions,
): VerifiedEnvelope {
  checkPayloadType(envelope, options.payloadType);
  const signers = findSigners(envelope, trustedKeys(keyring));
  checkThreshold(signers.length, options.threshold);
  return {
    payloadType: envelope.payloadType,
    payload: Buffer.from(envelope.payload),
    signers: signers.map((signer) => signer.key),
  } as unknown as VerifiedEnvelope;
}

/**
 * Who of `approvers` signed; each counts once, however often. Whether they are enough is the caller's to say. Errors:
 * `payload-type-mismatch`, `signature-threshold-not-met` when nobody did.
 */
export function verifyApprovals<A extends { readonly key: ApproverKey }>(
  envelope: UnverifiedEnvelope,
  approvers: readonly A[],
  { payloadType }: { readonly payloadType: string },
): ApprovedEnvelope<A> {
  checkPayloadType(envelope, payloadType);
  const message = preAuthEncoding(envelope.payloadType, envelope.payload);
  const found = new Map<A, SshPresence>();
  for (const { keyId, signature } of envelope.signatures) {
    const candidates = approvers.filter((approver) => !found.has(approver));
    for (const approver of candidates.sort((a, b) => rankOf(a.key, keyId) - rankOf(b.key, keyId))) {
      const presence = approver.key.verify(message, signature);
      if (presence === undefined) continue;
      found.set(approver, presence);
      break;
    }
  }
  checkThreshold(found.size, 1);
  const approvals = [...found].map(([approver, presence]) => ({ approver, presence }));
  const { payloadType: type, payload } = envelope;
  return { payloadType: type, payload: Buffer.from(payload), approvals } as unknown as ApprovedEnvelope<A>;
}

type TrustedKey = Signer & { readonly key: PublicKey };

/** Our keyring without repetitions: the same public key under two ids or two PEM spellings is one key. */
function trustedKeys(keyring: Iterable<PublicKey>): TrustedKey[] {
  return distinctSigners([...keyring].map((key) => ({ key, publicKey: publicKeyHex(key.publicKeyPem) })));
}

function findSigners(envelope: UnverifiedEnvelope, keys: readonly TrustedKey[]): TrustedKey[] {
  const message = preAuthEncoding(envelope.payloadType, envelope.payload);
  const found = new Set<TrustedKey>();
  for (const { keyId, signature } of envelope.signatures) {
    const candidates = keys.filter((candidate) => !found.has(candidate)).sort(hintedFirst(keyId));
    const signer = candidates.find(({ key }) => isSignedBy(key, message, signature));
    if (signer !== undefined) found.add(signer);
  }
  return keys.filter((key) => found.has(key));
}

function hintedFirst(keyId: string | undefined) {
  return (a: TrustedKey, b: TrustedKey) => rankOf(a.key, keyId) - rankOf(b.key, keyId);
}

function rankOf(key: { readonly keyId: string }, hint: string | undefined): number {
  return key.keyId === hint ? 0 : 1;
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length <= LIMITS.envelopeBytes) return;
  throw new RejectedError(
    'envelope-too-large',
    `failed to parse envelope: expected at most ${LIMITS.envelopeBytes} bytes, got ${bytes.length}`,
  );
}

function checkPayloadType(envelope: UnverifiedEnvelope, expected: string): void {
  if (envelope.payloadType === expected) return;
  throw new RejectedError(
    'payload-type-mismatch',
    `failed to verify envelope: expected payload type "${expected}", got "${envelope.payloadType}"`,
  );
}

function checkThreshold(actual: number, threshold: number): void {
  if (!Number.isSafeInteger(threshold) || threshold < 1) {
    throw new RangeError(`expected a threshold of at least 1, got ${threshold}`);
  }
  if (actual >= threshold) return;
  throw new RejectedError(
    'signature-threshold-not-met',
    `failed to verify envelope: expected signatures of ${threshold} trusted keys, got ${actual}`,
  );
}

function parseSignature(member: unknown): UnverifiedSignature {
  if (!isJsonObject(member)) throw malformed('a signature is no object');
  checkMembers(member, ['keyid', 'sig']);
  const { keyid, sig } = member;
  if (keyid !== undefined && typeof keyid !== 'string') throw malformed('keyid is no text');
  return { keyId: keyid, signature: decodeMember('sig', sig) };
}

function decodeMember(name: string, value: unknown): Buffer {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined;
  if (bytes === undefined) throw malformed(`${name} is no base64`);
  return bytes;
}

function checkMembers(object: object, known: readonly string[]): void {
  const unknown = Object.keys(object).find((name) => !known.includes(name));
  if (unknown !== undefined) throw malformed(`unknown field "${unknown}"`);
}

function malformed(reason: string): RejectedError {
  return new RejectedError('envelope-malformed', `failed to parse envelope: ${reason}`);
}

function encodeEnvelope(payloadType: string, payload: Uint8Array, signatures: readonly object[]): Buffer {
  if (signatures.length === 0) throw new RangeError('an envelope needs at least one signature');
  const bytes = encodeCanonical({ payload: Buffer.from(payload).toString('base64'), payloadType, signatures });
  checkSize(bytes);
  return bytes;
}
