/** Keys of every kind that TUF knows, for repositories of tests. */
import { createHash, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';

export type KeyKind = 'ed25519' | 'ecdsa' | 'rsa-pss' | 'rsa-pkcs1v15';
export type Members = { [member: string]: unknown };
export type TestKey = { readonly keyId: string; readonly json: Members; sign(bytes: Uint8Array): string };

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Canonical JSON as TUF signs it: only quotes and backslashes are escaped (keys in PEM have line breaks). */
export function olpcCanonical(value: unknown): string {
  if (typeof value === 'string') return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  if (Array.isArray(value)) return `[${value.map(olpcCanonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    members.sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${members.map(([name, member]) => `${olpcCanonical(name)}:${olpcCanonical(member)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** A new key; `extra` members become part of the key object, and so of its id. */
export function newTestKey(kind: KeyKind = 'ed25519', extra: Members = {}): TestKey {
  const { publicKey, privateKey } = generatePair(kind);
  const json = { ...keyJson(kind, publicKey), ...extra };
  const keyId = sha256Hex(Buffer.from(olpcCanonical(json)));
  return { keyId, json, sign: (bytes) => signAs(kind, privateKey, bytes).toString('hex') };
}

function generatePair(kind: KeyKind): { publicKey: KeyObject; privateKey: KeyObject } {
  if (kind === 'ed25519') return generateKeyPairSync('ed25519');
  if (kind === 'ecdsa') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

function keyJson(kind: KeyKind, key: KeyObject): Members {
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  switch (kind) {
    case 'ed25519':
      return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: rawHex(key) } };
    case 'ecdsa':
      return { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem } };
    case 'rsa-pss':
      return { keytype: 'rsa', scheme: 'rsassa-pss-sha256', keyval: { public: pem } };
    case 'rsa-pkcs1v15':
      return { keytype: 'rsa', scheme: 'rsa-pkcs1v15-sha256', keyval: { public: pem } };
  }
}

function rawHex(key: KeyObject): string {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
}

function signAs(kind: KeyKind, key: KeyObject, bytes: Uint8Array): Buffer {
  if (kind === 'ed25519') return signBytes(undefined, bytes, key);
  // Salt as long as the digest, padding number 6: what `rsassa-pss-sha256` means.
  if (kind === 'rsa-pss') return signBytes('sha256', bytes, { key, padding: 6, saltLength: 32 });
  return signBytes('sha256', bytes, key);
}
