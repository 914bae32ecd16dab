/** The rules for keys in Keyturn's TUF metadata: which keys there may be, and what a role may demand of them. */
import { isDeepStrictEqual } from 'node:util';

import { RejectedError, type RejectionCode } from '../errors.ts';
import { publicKeyOfHex, tufKeyOf } from './keys.ts';
import { isJsonArray, isJsonObject, type JsonObject } from './strict-json.ts';

/**
 * Checks a `keys` object and gives back its key ids. Errors: `public-key-repeated`, `key-is-not-ed25519`,
 * `key-is-weak`, `key-id-mismatch`.
 */
export function checkKeys(keys: JsonObject): ReadonlySet<string> {
  checkDistinct(keys);
  for (const [keyId, key] of Object.entries(keys)) checkKey(keyId, key);
  return new Set(Object.keys(keys));
}

/** Checks `keyids` and `threshold` of a role. Errors: `role-key-unknown`, `role-key-repeated`, `threshold-out-of-range`. */
export function checkKeyRule(rule: JsonObject, keys: ReadonlySet<string>, role: string): void {
  const { keyids, threshold } = rule;
  if (!isJsonArray(keyids)) throw rejection('metadata-malformed', `role "${role}" has no list of key ids`);
  const unknown = keyids.find((keyId) => typeof keyId !== 'string' || !keys.has(keyId));
  if (unknown !== undefined) throw rejection('role-key-unknown', `role "${role}" names key ${JSON.stringify(unknown)}`);
  if (new Set(keyids).size !== keyids.length) throw rejection('role-key-repeated', `role "${role}" names a key twice`);
  const isReachable = typeof threshold === 'number' && Number.isSafeInteger(threshold) && threshold >= 1;
  if (!isReachable || threshold > keyids.length) {
    throw rejection(
      'threshold-out-of-range',
      `role "${role}": expected a threshold of 1 to ${keyids.length}, got ${JSON.stringify(threshold)}`,
    );
  }
}

/** The same public key under two ids would meet a threshold of two with one signer. */
function checkDistinct(keys: JsonObject): void {
  const seen = new Set<string>();
  for (const key of Object.values(keys)) {
    const hex = isJsonObject(key) && isJsonObject(key.keyval) ? String(key.keyval.public).toLowerCase() : undefined;
    if (hex === undefined) continue;
    if (seen.has(hex)) throw rejection('public-key-repeated', `public key "${hex}" has two ids`);
    seen.add(hex);
  }
}

function checkKey(keyId: string, value: unknown): void {
  if (
    !isJsonObject(value) ||
    value.keytype !== 'ed25519' ||
    value.scheme !== 'ed25519' ||
    !isJsonObject(value.keyval)
  ) {
    throw rejection('key-is-not-ed25519', `key "${keyId}" is no Ed25519 key`);
  }
  const key = publicKeyOfHex(String(value.keyval.public));
  if (!isDeepStrictEqual({ ...value }, { ...tufKeyOf(key) })) {
    throw rejection('metadata-field-unknown', `key "${keyId}" has fields beyond type, scheme and public value`);
  }
  if (key.keyId !== keyId) throw rejection('key-id-mismatch', `key "${keyId}": expected the id "${key.keyId}"`);
}

function rejection(code: RejectionCode, reason: string): RejectedError {
  return new RejectedError(code, `failed to check metadata: ${reason}`);
}
