/** What an OpenSSH private key file tells without its passphrase (PROTOCOL.key): the public key, and whether it needs one. */
import { RejectedError } from '../../../shared/errors.ts';
import { decodeBase64 } from '../../../shared/trust/base64.ts';
import { parseSshKeyBlob, type SshKey } from '../../../shared/trust/ssh-key.ts';
import { SshReader } from '../../../shared/trust/ssh-wire.ts';

export interface OpenSshPrivateKey {
  readonly key: SshKey;
  readonly isEncrypted: boolean;
}

const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----';
const FILE = new RegExp(`^${BEGIN}\\r?\\n([A-Za-z0-9+/=\\r\\n]+)-----END OPENSSH PRIVATE KEY-----\\s*$`);
const MAGIC = Buffer.from('openssh-key-v1\0');
const NO_CIPHER = 'none';

export function isOpenSshPrivateKey(text: string): boolean {
  return text.startsWith(BEGIN);
}

/** Errors: `ssh-key-malformed`, and those of `parseSshKeyBlob`. */
export function readOpenSshPrivateKey(text: string): OpenSshPrivateKey {
  const [, body] = FILE.exec(text) ?? [];
  const bytes = body === undefined ? undefined : decodeBase64(body.replaceAll(/[\r\n]/g, ''));
  if (bytes === undefined) throw malformed('it is not what ssh-keygen writes');
  const reader = new SshReader(bytes);
  const isOurs = reader.raw(MAGIC.length)?.equals(MAGIC) === true;
  const [cipher, derivation, options] = [reader.string(), reader.string(), reader.string()];
  const keyCount = reader.uint32();
  const [publicKey, privateKeys] = [reader.string(), reader.string()];
  if (!isOurs || !cipher || !derivation || !options || !publicKey || !privateKeys) throw malformed('it is cut off');
  if (keyCount !== 1) throw malformed(`it holds ${keyCount} keys, expected one`);
  return { key: parseSshKeyBlob(publicKey), isEncrypted: cipher.toString('latin1') !== NO_CIPHER };
}

function malformed(reason: string): RejectedError {
  return new RejectedError('ssh-key-malformed', `failed to read SSH private key: ${reason}`);
}
