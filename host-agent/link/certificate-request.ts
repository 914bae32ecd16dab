// The X.509 library finds its metadata through this import, which has to come first.
import 'reflect-metadata';
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

import { RejectedError } from '../../shared/errors.ts';
import { hostUri } from '../../shared/rpc/peer-identity.ts';

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

export interface KeyWithRequest {
  /** PKCS#8 PEM. */
  readonly privateKey: string;
  /** PKCS#10 DER. */
  readonly csr: Buffer;
}

/** A new key, and a request for a certificate for it. The name in it is for people: the control plane sets its own. */
export async function makeKeyWithRequest(host: string): Promise<KeyWithRequest> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [host] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { privateKey: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), csr: Buffer.from(request.rawData) };
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
