/**
 * Ed25519 keys: made, kept in PEM files, named, used.
 *
 * A key has one name everywhere, in TUF metadata and in DSSE envelopes: the SHA-256 of its TUF key object in canonical
 * JSON. Two keys are the same when their 32 public bytes are the same, whatever their names or PEM spellings say.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

import { encodeCanonical } from '../canonical-json.ts';
import { sha256 } from '../digest.ts';
import { messageOf, RejectedError, systemCodeOf, TransientError } from '../errors.ts';
import { writeFileAtomic } from '../store/atomic-file.ts';
import { encryptPrivateKey } from './encrypted-key.ts';

/** A public key with its name. `publicKeyPem` is SPKI PEM. */
export type PublicKey = { readonly keyId: string; readonly publicKeyPem: string };

/** A key that can sign. The private half is reachable through `sign` and `saveKey` alone. */
export type SigningKey = PublicKey & { sign(bytes: Uint8Array): Buffer };

/** The public half as it stands in TUF metadata. */
export type TufKey = {
  readonly keytype: 'ed25519';
  readonly scheme: 'ed25519';
  readonly keyval: { readonly public: string };
};

const SIGNATURE_BYTES = 64;
const FILE_MODE_SECRET = 0o600;
const MODE_BITS_OF_OTHERS = 0o077;

/** The prime of the field, little-endian: 2^255 - 19. */
const FIELD_PRIME = 2n ** 255n - 19n;

/** y coordinates of the points of small order: anybody can make a signature that verifies under such a "key". */
const SMALL_ORDER_Y = new Set([
  0n,
  1n,
  FIELD_PRIME - 1n,
  littleEndian('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  littleEndian('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'),
]);

const privateKeys = new WeakMap<SigningKey, KeyObject>();

/** Public keys by PEM: parsing one costs half as much as a verification. Emptied when full, so it stays small. */
const parsedKeys = new Map<string, KeyObject>();
const PARSED_KEYS_MAX_COUNT = 4096;

export function generateKey(): SigningKey {
  return signingKey(generateKeyPairSync('ed25519').privateKey);
}

/** Writes the key as PKCS#8 PEM, readable by the owner only; encrypted unless `passphrase` is undefined. */
export function saveKey(path: string, key: SigningKey, passphrase: string | undefined): void {
  const privateKey = privateKeys.get(key);
  if (privateKey === undefined) throw new TypeError(`failed to save key "${key.keyId}": its private half is not here`);
  const pem =
    passphrase === undefined
      ? privateKey.export({ type: 'pkcs8', format: 'pem' })
      : encryptPrivateKey(privateKey, passphrase);
  writeFileAtomic(path, pem, { mode: FILE_MODE_SECRET });
}

/**
 * Loads a key that `saveKey` wrote. Errors, all `RejectedError` with a hint: `key-file-missing`,
 * `key-file-open-to-others`, `passphrase-needed`, `passphrase-wrong`, `key-is-not-ed25519`.
 */
export function loadKey(path: string, passphrase?: string): SigningKey {
  checkPrivateToOwner(path);
  const pem = readKeyFile(path);
  if (passphrase === undefined && pem.includes('ENCRYPTED')) {
    throw new RejectedError('passphrase-needed', `failed to load key "${path}": it is encrypted`, {
      hint: 'give its passphrase',
    });
  }
  const key = parsePrivateKey(path, pem, passphrase);
  if (key.asymmetricKeyType !== 'ed25519') throw notEd25519(path, key);
  return signingKey(key);
}

/** Loads a public key from an SPKI PEM file. Errors: `key-file-missing`, `key-is-not-ed25519`. */
export function loadPublicKey(path: string): PublicKey {
  return parsePublicKey(readKeyFile(path), path);
}

/** Reads SPKI PEM text; `what` names it in errors. The PEM that comes back is in the one canonical spelling. */
export function parsePublicKey(pem: string, what = 'the public key'): PublicKey {
  const key = publicKeyObject(pem, what);
  return { keyId: keyIdOf(key), publicKeyPem: key.export({ type: 'spki', format: 'pem' }).toString() };
}

/** The key object that TUF metadata holds and that key ids are the digest of. */
export function tufKeyOf(key: PublicKey): TufKey {
  return tufKey(publicKeyHex(key.publicKeyPem));
}

/** The 32 public bytes in hexadecimal: what makes two keys the same key. */
export function publicKeyHex(publicKeyPem: string): string {
  return rawPublicBytes(publicKeyObject(publicKeyPem)).toString('hex');
}

/** The public key whose 32 bytes TUF metadata spells in hexadecimal. Errors: `key-is-not-ed25519`. */
export function publicKeyOfHex(hex: string): PublicKey {
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new RejectedError('key-is-not-ed25519', `failed to read key "${hex}": expected 64 hexadecimal digits`);
  }
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(hex, 'hex').toString('base64url') };
  return parsePublicKey(
    createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString(),
  );
}

/** True when `signature` is this key's over exactly these bytes. Never throws on a bad signature. */
export function isSignedBy(key: PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === SIGNATURE_BYTES && verify(undefined, bytes, publicKeyObject(key.publicKeyPem), signature);
}

function signingKey(privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const key: SigningKey = Object.freeze({
    keyId: keyIdOf(publicKey),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (bytes: Uint8Array) => sign(undefined, bytes, privateKey),
  });
  privateKeys.set(key, privateKey);
  return key;
}

function publicKeyObject(pem: string, what = 'the public key'): KeyObject {
  const known = parsedKeys.get(pem);
  if (known !== undefined) return known;
  const key = parseEd25519(pem, what);
  if (parsedKeys.size >= PARSED_KEYS_MAX_COUNT) parsedKeys.clear();
  parsedKeys.set(pem, key);
  return key;
}

function parseEd25519(pem: string, what: string): KeyObject {
  // Node would derive the public key from a private one; a private key has no business here.
  if (pem.includes('PRIVATE KEY')) {
    throw new RejectedError('key-is-private', `failed to read ${what}: expected a public key, got a private one`);
  }
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw new RejectedError('key-is-not-ed25519', `failed to read ${what}: it is not a public key in PEM`, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw notEd25519(what, key);
  checkStrongPoint(rawPublicBytes(key), what);
  return key;
}

/** Refuses second spellings of a point, which would count twice, and points under which forgery is trivial. */
function checkStrongPoint(raw: Buffer, what: string): void {
  const y = littleEndian(raw.toString('hex')) & (2n ** 255n - 1n);
  if (y < FIELD_PRIME && !SMALL_ORDER_Y.has(y)) return;
  throw new RejectedError('key-is-weak', `failed to read ${what}: "${raw.toString('hex')}" is no sound Ed25519 point`);
}

function keyIdOf(key: KeyObject): string {
  return sha256(encodeCanonical(tufKey(rawPublicBytes(key).toString('hex'))));
}

function tufKey(hex: string): TufKey {
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: hex } };
}

function rawPublicBytes(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function littleEndian(hex: string): bigint {
  return BigInt(`0x${Buffer.from(hex, 'hex').reverse().toString('hex')}`);
}

function checkPrivateToOwner(path: string): void {
  // Windows has no such bits: everything reads as 0666 there.
  if (process.platform === 'win32') return;
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & MODE_BITS_OF_OTHERS) === 0) return;
  throw new RejectedError(
    'key-file-open-to-others',
    `failed to load key "${path}": expected mode 0600, got 0${(mode & 0o777).toString(8)}`,
    { hint: `chmod 600 ${path}` },
  );
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (systemCodeOf(cause) !== 'ENOENT') throw new TransientError(`failed to read key file "${path}"`, { cause });
    throw new RejectedError('key-file-missing', `failed to load key "${path}": there is no such file`, {
      cause,
      hint: 'release, approver and root keys are Ed25519; keyturn init and keyturn trust make them',
    });
  }
}

function parsePrivateKey(path: string, pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', passphrase });
  } catch (cause) {
    if (passphrase !== undefined && pem.includes('ENCRYPTED')) {
      throw new RejectedError('passphrase-wrong', `failed to load key "${path}": the passphrase does not open it`, {
        cause,
      });
    }
    throw new RejectedError('key-is-not-ed25519', `failed to load key "${path}": ${messageOf(cause)}`, { cause });
  }
}

function notEd25519(what: string, key: KeyObject): RejectedError {
  const found = key.asymmetricKeyType ?? key.type;
  return new RejectedError('key-is-not-ed25519', `failed to read ${what}: expected an Ed25519 key, got "${found}"`);
}
