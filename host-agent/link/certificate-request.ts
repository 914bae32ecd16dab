/**
 * A host asks for its certificate (PKCS#10, RFC 2986) and looks at what it gets. Its own few lines: a library for all that
 * X.509 can be would take a quarter of the memory of an agent that waits, for one request a day.
 */
import { createPrivateKey, generateKeyPair, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';

import { RejectedError } from '../../shared/errors.ts';
import { hostUri } from '../../shared/rpc/peer-identity.ts';
import { bitString, integer, objectIdentifier, sequence, setOf, tagged, utf8String } from '../../shared/trust/der.ts';

const makeKeyPair = promisify(generateKeyPair);

const OID_COMMON_NAME = '550403';
const OID_ECDSA_WITH_SHA256 = '2a8648ce3d040302';
/** `[0]` of the request: attributes, of which it has none. */
const TAG_ATTRIBUTES = 0xa0;

export interface KeyWithRequest {
  /** PKCS#8 PEM. */
  readonly privateKey: string;
  /** PKCS#10 DER. */
  readonly csr: Buffer;
}

/** A new key, and a request for a certificate for it. The name in it is for people: the control plane sets its own. */
export async function makeKeyWithRequest(host: string): Promise<KeyWithRequest> {
  const { privateKey, publicKey } = await makeKeyPair('ec', { namedCurve: 'P-256' });
  const wanted = sequence(
    integer(0),
    sequence(setOf(sequence(objectIdentifier(OID_COMMON_NAME), utf8String(host)))),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(TAG_ATTRIBUTES),
  );
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    csr: signed(wanted, privateKey),
  };
}

function signed(wanted: Buffer, privateKey: KeyObject): Buffer {
  const signature = sign('sha256', wanted, privateKey);
  return sequence(wanted, sequence(objectIdentifier(OID_ECDSA_WITH_SHA256)), bitString(signature));
}

export interface ExpectedCertificate {
  /** PEM. */
  readonly privateKey: string;
  readonly host: string;
  /** PEM. */
  readonly caCertificate: string;
  /** Milliseconds since 1970; the real time by default, as TLS has it. */
  readonly now?: number;
}

/**
 * Checks that a certificate is what was asked for, before it replaces one that works: for this key and host, by the CA
 * that is pinned, valid now. Gives it back in the one PEM spelling, without anything that stood beside it: other
 * readers of other spellings would find no certificate there. Errors: `RejectedError('certificate-not-usable')`.
 */
export function checkIssued(pem: string, expected: ExpectedCertificate): string {
  const certificate = parseCertificate(pem);
  const reason = certificate === undefined ? 'it is none' : faultOf(certificate, expected);
  if (certificate !== undefined && reason === undefined) return certificate.toString();
  throw new RejectedError('certificate-not-usable', `failed to take the certificate: ${reason}`);
}

function faultOf(
  certificate: X509Certificate,
  { privateKey, host, caCertificate, now = Date.now() }: ExpectedCertificate,
): string | undefined {
  if (!certificate.verify(new X509Certificate(caCertificate).publicKey)) return 'another CA has signed it';
  if (!certificate.checkPrivateKey(createPrivateKey(privateKey))) return 'it is for another key';
  if (certificate.subjectAltName !== `URI:${hostUri(host)}`) return `it names "${certificate.subjectAltName}"`;
  const { validFrom, validTo } = certificate;
  if (now < Date.parse(validFrom) || Date.parse(validTo) <= now) return `it is valid from ${validFrom} to ${validTo}`;
  return undefined;
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // Whatever is wrong with it: what the control plane sent is no certificate.
    return undefined;
  }
}
