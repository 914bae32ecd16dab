/**
 * A private key under a passphrase: PKCS#8 `EncryptedPrivateKeyInfo` with PBES2, scrypt (RFC 7914) and AES-256-CBC.
 *
 * Node can read this format but writes only PBKDF2 with 2,048 iterations, which a stolen file does not withstand;
 * hence the few lines of DER here. `openssl pkey` reads the result as well.
 */
import { createCipheriv, type KeyObject, randomBytes, scryptSync } from 'node:crypto';

/** About 17 MiB and a fifth of a second per guess; OpenSSL refuses to read what needs more than 32 MiB. */
const SCRYPT = { N: 16384, r: 8, p: 5 };

const OID_PBES2 = '2a864886f70d01050d';
const OID_SCRYPT = '2b06010401da47040b';
const OID_AES_256_CBC = '60864801650304012a';

const TAG_INTEGER = 0x02;
const TAG_OCTET_STRING = 0x04;
const TAG_OBJECT_IDENTIFIER = 0x06;
const TAG_SEQUENCE = 0x30;

/** The private key as PEM text, encrypted under `passphrase`. */
export function encryptPrivateKey(key: KeyObject, passphrase: string): string {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', scryptSync(passphrase, salt, 32, SCRYPT), iv);
  const encrypted = Buffer.concat([cipher.update(key.export({ type: 'pkcs8', format: 'der' })), cipher.final()]);
  return pem(sequence(encryptionScheme(salt, iv), der(TAG_OCTET_STRING, encrypted)));
}

function encryptionScheme(salt: Buffer, iv: Buffer): Buffer {
  const costs = [SCRYPT.N, SCRYPT.r, SCRYPT.p].map(integer);
  const derivation = sequence(objectIdentifier(OID_SCRYPT), sequence(der(TAG_OCTET_STRING, salt), ...costs));
  const cipher = sequence(objectIdentifier(OID_AES_256_CBC), der(TAG_OCTET_STRING, iv));
  return sequence(objectIdentifier(OID_PBES2), sequence(derivation, cipher));
}

function sequence(...members: Buffer[]): Buffer {
  return der(TAG_SEQUENCE, Buffer.concat(members));
}

function objectIdentifier(hex: string): Buffer {
  return der(TAG_OBJECT_IDENTIFIER, Buffer.from(hex, 'hex'));
}

/** A positive integer below 2^15: no sign octet is ever needed for the costs above. */
function integer(value: number): Buffer {
  return der(TAG_INTEGER, value < 0x80 ? Buffer.from([value]) : Buffer.from([value >> 8, value & 0xff]));
}

/** Tag, length, content; every structure here is shorter than 256 bytes. */
function der(tag: number, content: Buffer): Buffer {
  const header = content.length < 0x80 ? [tag, content.length] : [tag, 0x81, content.length];
  return Buffer.concat([Buffer.from(header), content]);
}

function pem(content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${lines.join('\n')}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}
