/**
 * Public keys as OpenSSH writes them, so that people approve with the key that they carry already: `ssh-ed25519`, and
 * `sk-ssh-ed25519@openssh.com`, whose private half is in a security key (PROTOCOL.u2f).
 */
import { encodeCanonical } from '../canonical-json.ts';
import { sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { type PublicKey, publicKeyHex, publicKeyOfHex } from './keys.ts';
import { SshReader, sshString } from './ssh-wire.ts';

export const SSH_ED25519 = 'ssh-ed25519';
export const SSH_SECURITY_KEY = 'sk-ssh-ed25519@openssh.com';

/** The Ed25519 key inside, and the application that a security key was made for. */
export interface SshKey extends PublicKey {
  /** Undefined for a key that is a file. */
  readonly application: string | undefined;
}

/** Longer is nobody's: `ssh:` and a name. */
const APPLICATION = /^ssh:[!-~]{0,200}$/;
const PUBLIC_KEY_BYTES = 32;

/**
 * Reads one line of a `.pub` file; a comment behind the key counts for nothing. Errors: `ssh-key-malformed`,
 * `key-is-weak`, `ssh-key-type-unknown`.
 */
export function parseSshKey(line: string): SshKey {
  const [type = '', encoded = ''] = line.trim().split(/[ \t]+/);
  const blob = decodeBase64(encoded);
  if (blob === undefined) throw malformed('it is no line of a .pub file');
  const key = parseSshKeyBlob(blob);
  if (type !== typeOf(key)) throw malformed(`it says "${type}" and is "${typeOf(key)}"`);
  return key;
}

/** Reads a key as it stands in a signature. Errors: those of `parseSshKey`. */
export function parseSshKeyBlob(blob: Uint8Array): SshKey {
  const reader = new SshReader(blob);
  const type = reader.string()?.toString('latin1');
  if (type !== SSH_ED25519 && type !== SSH_SECURITY_KEY) {
    throw new RejectedError('ssh-key-type-unknown', `failed to read SSH key: expected an Ed25519 key, got "${type}"`, {
      hint: 'make one with `ssh-keygen -t ed25519`, or `-t ed25519-sk` for a security key',
    });
  }
  const raw = reader.string();
  const application = type === SSH_SECURITY_KEY ? reader.string()?.toString('latin1') : undefined;
  if (raw?.length !== PUBLIC_KEY_BYTES || !reader.isAtEnd) throw malformed('its parts do not fit');
  if (type === SSH_SECURITY_KEY && !APPLICATION.test(application ?? '')) throw malformed('its application is no name');
  const key = publicKeyOfHex(raw.toString('hex'));
  return { ...key, keyId: application === undefined ? key.keyId : securityKeyId(key, application), application };
}

/** The key as it stands in a signature. */
export function sshKeyBlob(key: SshKey): Buffer {
  const raw = Buffer.from(publicKeyHex(key.publicKeyPem), 'hex');
  const parts = [sshString(typeOf(key)), sshString(raw)];
  return Buffer.concat(key.application === undefined ? parts : [...parts, sshString(key.application)]);
}

/** The one spelling of a key: its type and itself, without a comment. */
export function sshKeyLine(key: SshKey): string {
  return `${typeOf(key)} ${sshKeyBlob(key).toString('base64')}`;
}

export function typeOf({ application }: SshKey): string {
  return application === undefined ? SSH_ED25519 : SSH_SECURITY_KEY;
}

/** Named as TUF names keys: by the digest of its object. A key that is a file has the same name in every form. */
function securityKeyId(key: PublicKey, application: string): string {
  const keyval = { application, public: publicKeyHex(key.publicKeyPem) };
  return sha256(encodeCanonical({ keytype: SSH_SECURITY_KEY, keyval, scheme: SSH_SECURITY_KEY }));
}

function malformed(reason: string): RejectedError {
  return new RejectedError('ssh-key-malformed', `failed to read SSH key: ${reason}`);
}
