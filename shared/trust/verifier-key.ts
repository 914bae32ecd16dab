/** Keys of signed notes as C2SP writes them (signed-note.md): a name and an Ed25519 key, in one line that other tools take. */
import { createHash } from 'node:crypto';
import { RejectedError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { type PublicKey, publicKeyHex, publicKeyOfHex } from './keys.ts';

/** A key with the name that stands on its signature lines. */
export interface NoteKey {
  readonly name: string;
  readonly key: PublicKey;
}

export const KEY_ID_BYTES = 4;

const ED25519 = 1;
const NAME = /^[^\s+\p{Cc}]+$/u;

/** `<name>+<key id>+<type and public key>`, as other tools take a key. */
export function encodeVerifierKey(key: NoteKey): string {
  return `${key.name}+${keyIdOf(key).toString('hex')}+${typedKey(key.key).toString('base64')}`;
}

/** Errors: `verifier-key-malformed`. */
export function parseVerifierKey(text: string): NoteKey {
  const [, name = '', keyId, encoded = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? [];
  const typed = decodeBase64(encoded);
  if (!NAME.test(name) || typed?.[0] !== ED25519) throw badKey(text);
  const key = { name, key: publicKeyOfHex(typed.subarray(1).toString('hex')) };
  if (keyIdOf(key).toString('hex') !== keyId || typedKey(key.key).toString('base64') !== encoded) throw badKey(text);
  return key;
}

/** The four bytes in front of a signature. Throws `TypeError` on a name that no note can have. */
export function keyIdOf({ name, key }: NoteKey): Buffer {
  const digest = createHash('sha256')
    .update(`${checkedName(name)}\n`)
    .update(typedKey(key))
    .digest();
  return digest.subarray(0, KEY_ID_BYTES);
}

function typedKey(key: PublicKey): Buffer {
  return Buffer.concat([Buffer.from([ED25519]), Buffer.from(publicKeyHex(key.publicKeyPem), 'hex')]);
}

function checkedName(name: string): string {
  if (!NAME.test(name)) throw new TypeError(`expected a name without spaces and "+", got ${JSON.stringify(name)}`);
  return name;
}

function badKey(text: string): RejectedError {
  return new RejectedError('verifier-key-malformed', `failed to read verifier key ${JSON.stringify(text)}`);
}
