/**
 * Who is at the other end: one URI in the certificate, which the control plane's authority alone writes.
 *
 *   keyturn://host/<host>             an enrolled host
 *   keyturn://operator/<role>/<name>  a person or a pipeline
 */
import type { PeerCertificate } from 'node:tls';

import { RejectedError } from '../errors.ts';

/** A DNS name in lower case; it also stands in URIs and file names. */
export const HOST_PATTERN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** An operator's name, such as `nguyen.van.a` or `ci-release`. */
export const OPERATOR_PATTERN = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export const ROLES = ['viewer', 'operator', 'releaser'] as const;
export type Role = (typeof ROLES)[number];

interface CertificateFacts {
  /** Hexadecimal, upper case, as Node prints it. */
  readonly serial: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}
export type HostIdentity = CertificateFacts & { readonly kind: 'host'; readonly host: string };
export type OperatorIdentity = CertificateFacts & {
  readonly kind: 'operator';
  readonly name: string;
  readonly role: Role;
};
export type PeerIdentity = HostIdentity | OperatorIdentity;

export function hostUri(host: string): string {
  return `keyturn://host/${host}`;
}

export function operatorUri(name: string, role: Role): string {
  return `keyturn://operator/${role}/${name}`;
}

/**
 * Reads a certificate that TLS has verified already. Errors: `RejectedError` with `identity-missing` or
 * `identity-not-understood`.
 */
export function parsePeerIdentity(certificate: PeerCertificate | undefined): PeerIdentity {
  if (certificate === undefined) {
    throw new RejectedError('identity-missing', 'failed to identify the peer: it showed no certificate');
  }
  const facts = { serial: certificate.serialNumber, expiresAt: Date.parse(certificate.valid_to) };
  const names = certificate.subjectaltname ?? '';
  const host = /^URI:keyturn:\/\/host\/([^/,\s]+)$/.exec(names)?.[1];
  if (host !== undefined && HOST_PATTERN.test(host)) return { kind: 'host', host, ...facts };
  const [, role, name] = /^URI:keyturn:\/\/operator\/([a-z]+)\/([^/,\s]+)$/.exec(names) ?? [];
  if (isRole(role) && name !== undefined && OPERATOR_PATTERN.test(name))
    return { kind: 'operator', name, role, ...facts };
  throw new RejectedError('identity-not-understood', `failed to identify the peer: its certificate names "${names}"`);
}

export function isRole(text: unknown): text is Role {
  return ROLES.some((role) => role === text);
}
