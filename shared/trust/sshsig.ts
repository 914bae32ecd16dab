/**
 * Signatures of `ssh-keygen -Y sign` (OpenSSH PROTOCOL.sshsig), verified here and in no other program.
 *
 * 1. A signature is for one namespace: what was signed for git or for mail counts for nothing here.
 * 2. The key in a signature is a claim: it must be the key that the caller trusts, with the same application.
 * 3. A security key says whether somebody touched it and whether it knew who; that is signed too.
 */
import { createHash } from 'node:crypto';
import { RejectedError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { isSignedBy } from './keys.ts';
import { parseSshKeyBlob, type SshKey, sshKeyBlob, typeOf } from './ssh-key.ts';
import { SshReader, sshString, sshUint32 } from './ssh-wire.ts';

/** What a security key says of the person in front of it; nothing where the key is a file. */
export interface SshPresence {
  readonly isTouched: boolean;
  /** By PIN or finger. */
  readonly isVerified: boolean;
}

const MAGIC = Buffer.from('SSHSIG');
const VERSION = 1;
const HASHES: readonly string[] = ['sha512', 'sha256'];
const FLAG = { touched: 1, verified: 4 };
const ARMOUR = /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----\r?\n?$/;

interface SshSignature {
  readonly publicKey: Buffer;
  readonly namespace: Buffer;
  readonly reserved: Buffer;
  readonly hash: string;
  readonly signature: Buffer;
}

/** Whether bytes claim to be such a signature; a plain Ed25519 one of 64 bytes that begins so does not exist. */
export function isSshSignature(bytes: Uint8Array): boolean {
  return bytes.length > 64 && MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/** The bytes within the armour of a `.sig` file. Errors: `ssh-signature-malformed`. */
export function unarmour(text: string): Buffer {
  const [, body] = ARMOUR.exec(text) ?? [];
  const bytes = body === undefined ? undefined : decodeBase64(body.replaceAll(/[\r\n]/g, ''));
  if (bytes === undefined) throw malformed('expected what `ssh-keygen -Y sign` writes');
  return bytes;
}

/** The text of a `.sig` file. */
export function armour(bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,70}/g) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}

/** What the key signs, for `message`; `ssh-agent` is asked to sign exactly this. */
export function sshSignedData(message: Uint8Array, namespace: string): Buffer {
  return signedData(message, { namespace: Buffer.from(namespace), reserved: Buffer.alloc(0), hash: 'sha512' });
}

/** The whole signature around what `key` made of `sshSignedData`: for `ssh-agent`, which gives the inner part alone. */
export function wrapSshSignature(inner: Uint8Array, { key, namespace }: { key: SshKey; namespace: string }): Buffer {
  const strings = [sshKeyBlob(key), namespace, '', 'sha512', inner].map((part) => sshString(part));
  return Buffer.concat([MAGIC, sshUint32(VERSION), ...strings]);
}

/** The key that a signature claims. Errors: `ssh-signature-malformed` and those of `parseSshKeyBlob`. */
export function claimedSshKey(bytes: Uint8Array): SshKey {
  return parseSshKeyBlob(parse(bytes).publicKey);
}

/**
 * Verifies that `key` signed `message` for `namespace`. Undefined when it did not, whatever the reason; never throws.
 */
export function verifySshSignature(
  bytes: Uint8Array,
  { key, message, namespace }: { key: SshKey; message: Uint8Array; namespace: string },
): SshPresence | undefined {
  const signature = attempt(() => parse(bytes));
  if (signature === undefined || !signature.publicKey.equals(sshKeyBlob(key))) return undefined; // 2
  if (!signature.namespace.equals(Buffer.from(namespace))) return undefined; // 1
  const inner = new SshReader(signature.signature);
  if (inner.string()?.toString('latin1') !== typeOf(key)) return undefined;
  const raw = inner.string();
  if (raw === undefined) return undefined;
  const data = signedData(message, signature);
  if (key.application === undefined) {
    return inner.isAtEnd && isSignedBy(key, data, raw) ? { isTouched: false, isVerified: false } : undefined;
  }
  const flags = inner.byte();
  const counter = inner.uint32();
  if (flags === undefined || counter === undefined || !inner.isAtEnd) return undefined;
  const asserted = assertion(data, { application: key.application, flags, counter });
  if (!isSignedBy(key, asserted, raw)) return undefined;
  return { isTouched: (flags & FLAG.touched) !== 0, isVerified: (flags & FLAG.verified) !== 0 };
}

/** PROTOCOL.u2f: what a security key signs. */
export function assertion(
  data: Uint8Array,
  { application, flags, counter }: { application: string; flags: number; counter: number },
): Buffer {
  return Buffer.concat([
    digest('sha256', Buffer.from(application)),
    Buffer.from([flags]),
    sshUint32(counter),
    digest('sha256', data),
  ]);
}

function signedData(message: Uint8Array, of: Pick<SshSignature, 'namespace' | 'reserved' | 'hash'>): Buffer {
  const strings = [of.namespace, of.reserved, of.hash, digest(of.hash, message)].map((part) => sshString(part));
  return Buffer.concat([MAGIC, ...strings]);
}

function parse(bytes: Uint8Array): SshSignature {
  const reader = new SshReader(bytes);
  const isOurs = reader.raw(MAGIC.length)?.equals(MAGIC) === true && reader.uint32() === VERSION;
  const [publicKey, namespace, reserved, hash, signature] = Array.from({ length: 5 }, () => reader.string());
  if (!isOurs || !publicKey || !namespace || !reserved || !hash || !signature || !reader.isAtEnd) {
    throw malformed('its parts do not fit');
  }
  const name = hash.toString('latin1');
  // The format wants it ignored; what nobody fills in, nobody needs to be told about.
  if (reserved.length > 0 || !HASHES.includes(name)) throw malformed(`it is hashed by "${name}"`);
  return { publicKey, namespace, reserved, hash: name, signature };
}

function digest(algorithm: string, bytes: Uint8Array): Buffer {
  return createHash(algorithm).update(bytes).digest();
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof RejectedError) return undefined;
    throw error;
  }
}

function malformed(reason: string): RejectedError {
  return new RejectedError('ssh-signature-malformed', `failed to read SSH signature: ${reason}`);
}
