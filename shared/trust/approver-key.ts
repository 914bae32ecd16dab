/**
 * The key of somebody who approves: an Ed25519 key in a file, or one that OpenSSH made, in a file or a security key. What
 * it signs stands in a DSSE envelope, either as 64 bytes or as a whole SSH signature.
 */
import { isSignedBy, type PublicKey, parsePublicKey, publicKeyHex } from './keys.ts';
import { parseSshKey, type SshKey, sshKeyLine } from './ssh-key.ts';
import { isSshSignature, type SshPresence, verifySshSignature } from './sshsig.ts';

/** What `ssh-keygen -Y sign -n` is given: a signature made for git or mail is none here. */
export const APPROVAL_NAMESPACE = 'decision@keyturn.dev';

export interface ApproverKey {
  readonly keyId: string;
  /** The 32 public bytes in hexadecimal: two keys with the same are one, whatever their form. */
  readonly identity: string;
  /** The one spelling: SPKI PEM, or type and key as in a `.pub` file. */
  readonly text: string;
  /** Whether this key signed `message`, and what it says of the person who did; undefined when it did not. */
  verify(message: Uint8Array, signature: Uint8Array): SshPresence | undefined;
}

/** Keys by their text: every order is read with all of a policy's, and reading one costs as much as a verification. Emptied when full. */
const readKeys = new Map<string, ApproverKey>();
const READ_KEYS_MAX_COUNT = 4096;

const NOBODY_SEEN: SshPresence = { isTouched: false, isVerified: false };

/** Reads SPKI PEM or a line of a `.pub` file. Errors: those of `parsePublicKey` and `parseSshKey`. */
export function parseApproverKey(text: string): ApproverKey {
  const known = readKeys.get(text);
  if (known !== undefined) return known;
  const key = readApproverKey(text);
  if (readKeys.size >= READ_KEYS_MAX_COUNT) readKeys.clear();
  readKeys.set(text, key);
  return key;
}

function readApproverKey(text: string): ApproverKey {
  return text.startsWith('-----BEGIN') ? fileKey(parsePublicKey(text)) : sshKey(parseSshKey(text));
}

function fileKey(key: PublicKey): ApproverKey {
  // The same key may be used by `ssh-keygen`: then its signature is wrapped.
  const asSsh: SshKey = { ...key, application: undefined };
  return {
    keyId: key.keyId,
    identity: publicKeyHex(key.publicKeyPem),
    text: key.publicKeyPem,
    verify: (message, signature) => {
      if (isSshSignature(signature)) return verifySsh(asSsh, message, signature);
      return isSignedBy(key, message, signature) ? NOBODY_SEEN : undefined;
    },
  };
}

function sshKey(key: SshKey): ApproverKey {
  if (key.application === undefined) return { ...fileKey(key), text: sshKeyLine(key) };
  return {
    keyId: key.keyId,
    identity: publicKeyHex(key.publicKeyPem),
    text: sshKeyLine(key),
    verify: (message, signature) => verifySsh(key, message, signature),
  };
}

function verifySsh(key: SshKey, message: Uint8Array, signature: Uint8Array): SshPresence | undefined {
  return verifySshSignature(signature, { key, message, namespace: APPROVAL_NAMESPACE });
}
