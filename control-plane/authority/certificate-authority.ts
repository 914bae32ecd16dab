/**
 * The private CA that transport identity rests on. It says who may talk; it cannot say what is true: nothing that it
 * signs is content.
 *
 * 1. Subject, names, usages and lifetime are set here. Of a request only the key counts, once its signature holds.
 * 2. A host's certificate lives 24 hours at most, so a lost host drops out by itself.
 */
// The X.509 library finds its metadata through this import, which has to come first.
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

import { RejectedError } from '../../shared/errors.ts';
import { CONTROL_PLANE_NAME, type TlsIdentity } from '../../shared/rpc/credentials.ts';
import { HOST_PATTERN, hostUri, OPERATOR_PATTERN, operatorUri, type Role } from '../../shared/rpc/peer-identity.ts';
import type { Clock } from '../../shared/time/clock.ts';

export const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Hosts whose clocks are a little behind accept a fresh certificate too. */
const BACKDATED_MS = 5 * MINUTE_MS;
export const HOST_CERTIFICATE_MS = 24 * HOUR_MS;
export const SERVER_CERTIFICATE_MS = 7 * DAY_MS;
export const OPERATOR_CERTIFICATE_MS = 90 * DAY_MS;
export const OPERATOR_CERTIFICATE_MAX_MS = 366 * DAY_MS;

/** A request holds a P-256 key and a signature: a few hundred bytes. */
const CSR_BYTES = 4096;

export interface IssuedCertificate {
  /** PEM. */
  readonly certificate: string;
  /** Hexadecimal, upper case, as TLS shows it. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** A certificate with the key that was made for it. */
export type IssuedIdentity = IssuedCertificate & TlsIdentity;

export class CertificateAuthority {
  readonly #certificate: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;
  readonly #clock: Clock;

  /** To be had from `authority-files.ts`. */
  constructor(certificate: x509.X509Certificate, key: webcrypto.CryptoKey, clock: Clock) {
    this.#certificate = certificate;
    this.#key = key;
    this.#clock = clock;
  }

  /** PEM. */
  get caCertificate(): string {
    return this.#certificate.toString('pem');
  }

  /** For a listener. `names` are the DNS names and addresses that other tools than ours may know it by. */
  async issueServerCertificate(names: readonly string[]): Promise<IssuedIdentity> {
    const others = names.filter((name) => name !== CONTROL_PLANE_NAME);
    const alternatives = others.map((name) => ({ type: isIP(name) ? 'ip' : 'dns', value: name }) as const);
    return this.#issueWithKey({
      commonName: CONTROL_PLANE_NAME,
      alternatives: [{ type: 'dns', value: CONTROL_PLANE_NAME }, ...alternatives],
      usage: x509.ExtendedKeyUsage.serverAuth,
      lifetimeMs: SERVER_CERTIFICATE_MS,
    });
  }

  /** For the key in `csr` (PKCS#10, DER). Errors: `RejectedError` with `csr-malformed` or `host-name-invalid`. */
  async issueHostCertificate(csr: Uint8Array, host: string): Promise<IssuedCertificate> {
    if (!HOST_PATTERN.test(host))
      throw new RejectedError('host-name-invalid', `failed to issue a certificate for host "${host}"`);
    return this.#issue(await verifiedKeyOf(csr), {
      commonName: host,
      alternatives: [{ type: 'url', value: hostUri(host) }],
      usage: x509.ExtendedKeyUsage.clientAuth,
      lifetimeMs: HOST_CERTIFICATE_MS,
    });
  }

  /** For a person or a pipeline. Errors: `RejectedError` with `operator-name-invalid` or `lifetime-out-of-range`. */
  async issueOperatorCertificate(
    name: string,
    role: Role,
    { lifetimeMs = OPERATOR_CERTIFICATE_MS }: { lifetimeMs?: number } = {},
  ): Promise<IssuedIdentity> {
    if (!OPERATOR_PATTERN.test(name)) {
      throw new RejectedError('operator-name-invalid', `failed to issue a certificate for operator "${name}"`);
    }
    if (!(lifetimeMs > 0 && lifetimeMs <= OPERATOR_CERTIFICATE_MAX_MS)) {
      throw new RejectedError(
        'lifetime-out-of-range',
        `failed to issue a certificate for ${lifetimeMs} ms, expected at most ${OPERATOR_CERTIFICATE_MAX_MS}`,
      );
    }
    return this.#issueWithKey({
      commonName: name,
      alternatives: [{ type: 'url', value: operatorUri(name, role) }],
      usage: x509.ExtendedKeyUsage.clientAuth,
      lifetimeMs,
    });
  }

  async #issueWithKey(contents: CertificateContents): Promise<IssuedIdentity> {
    const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
    const issued = await this.#issue(keys.publicKey, contents);
    return { ...issued, caCertificate: this.caCertificate, privateKey: await privateKeyPem(keys.privateKey) };
  }

  async #issue(publicKey: x509.PublicKeyType, contents: CertificateContents): Promise<IssuedCertificate> {
    const issuedAt = this.#clock.now();
    // X.509 counts whole seconds; rounding down keeps the promise about the longest life.
    const expiresAt = Math.floor((issuedAt + contents.lifetimeMs) / 1000) * 1000;
    const serial = randomSerial();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial,
      subject: [{ CN: [contents.commonName] }],
      issuer: this.#certificate.subjectName,
      notBefore: new Date(issuedAt - BACKDATED_MS),
      notAfter: new Date(expiresAt),
      publicKey,
      signingKey: this.#key,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: await leafExtensions(this.#certificate, contents),
    });
    return { certificate: certificate.toString('pem'), serial: serial.toUpperCase(), issuedAt, expiresAt };
  }
}

interface CertificateContents {
  readonly commonName: string;
  readonly alternatives: x509.JsonGeneralNames;
  readonly usage: string;
  readonly lifetimeMs: number;
}

async function leafExtensions(issuer: x509.X509Certificate, contents: CertificateContents): Promise<x509.Extension[]> {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([contents.usage], true),
    new x509.SubjectAlternativeNameExtension(contents.alternatives),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
  ];
}

/** The key of a request whose own signature holds: whoever asks also has the private half. */
async function verifiedKeyOf(csr: Uint8Array): Promise<x509.PublicKey> {
  if (csr.byteLength > CSR_BYTES) throw malformedCsr(`${csr.byteLength} bytes, expected at most ${CSR_BYTES}`);
  let request: x509.Pkcs10CertificateRequest;
  let isSigned: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(Buffer.from(csr));
    isSigned = await request.verify();
  } catch (cause) {
    throw malformedCsr('it is no PKCS#10 request', cause);
  }
  if (!isSigned) throw malformedCsr('its signature does not hold');
  const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (name !== KEY_ALGORITHM.name || namedCurve !== KEY_ALGORITHM.namedCurve) {
    throw malformedCsr(`its key is ${name} ${namedCurve ?? ''}, expected ECDSA P-256`);
  }
  return request.publicKey;
}

export async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** 128 bits, positive, without a leading zero: one spelling everywhere. */
export function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function malformedCsr(reason: string, cause?: unknown): RejectedError {
  return new RejectedError('csr-malformed', `failed to read certificate request: ${reason}`, { cause });
}
