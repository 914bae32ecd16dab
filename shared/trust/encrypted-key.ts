/**
 * A private key under a passphrase: PKCS#8 `EncryptedPrivateKeyInfo` with PBES2, scrypt (RFC 7914) and AES-256-CBC.
 *
 * Node can read this format but writes only PBKDF2 with 2,048 iterations, which a stolen file does not withstand;
 * hence it is put together here. `openssl pkey` reads the result as well.
 */
import { createCipheriv, type KeyObject, randomBytes, scryptSync } from 'node:crypto';
import { integer, objectIdentifier, octetString, sequence } from './der.ts';

/** About 17 MiB and a fifth of a second per guess; OpenSSL refuses to read what needs more than 32 MiB. */
const SCRYPT = { N: 16384, r: 8, p: 5 };

const OID_PBES2 = '2a864886f70d01050d';
const OID_SCRYPT = '2b06010401da47040b';
const OID_AES_256_CBC = '60864801650304012a';

/** The private key as PEM text, encrypted under `passphrase`. */
export function encryptPrivateKey(key: KeyObject, passphrase: string): string {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', scryptSync(passphrase, salt, 32, SCRYPT), iv);
  const encrypted = Buffer.concat([cipher.update(key.export({ type: 'pkcs8', format: 'der' })), cipher.final()]);
  return pem(sequence(encryptionScheme(salt, iv), octetString(encrypted)));
}

function encryptionScheme(salt: Buffer, iv: Buffer): Buffer {
  const costs = [SCRYPT.N, SCRYPT.r, SCRYPT.p].map(integer);
  const derivation = sequence(objectIdentifier(OID_SCRYPT), sequence(octetString(salt), ...costs));
  const cipher = sequence(objectIdentifier(OID_AES_256_CBC), octetString(iv));
  return sequence(objectIdentifier(OID_PBES2), sequence(derivation, cipher));
}

function pem(content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${lines.join('\n')}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}
