/**
 * TLS on every listener and every dial: version 1.3 and nothing older, and the trust of one private CA.
 *
 * A server is known by one fixed name in its certificate, not by its address: the CA issues that name to control planes
 * alone, so an address can change, and a host's certificate can never pose as a server.
 */
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type ChannelCredentials, credentials, ServerCredentials } from '@grpc/grpc-js';

/** What every control plane's certificate is issued for, besides its addresses. */
export const CONTROL_PLANE_NAME = 'control-plane.keyturn.internal';

/** PEM texts of one side. */
export interface TlsIdentity {
  readonly caCertificate: string;
  readonly certificate: string;
  readonly privateKey: string;
}

export type ClientCertificates = 'required' | 'not-asked-for';

/** Credentials of a listener, whose certificate can be replaced while it runs. */
export class ListenerCredentials extends ServerCredentials {
  constructor(identity: TlsIdentity, clientCertificates: ClientCertificates) {
    const isRequired = clientCertificates === 'required';
    super({ requestCert: isRequired, rejectUnauthorized: isRequired }, contextOptions(identity));
  }

  /** New connections see the new certificate; open ones go on. */
  replaceIdentity(identity: TlsIdentity): void {
    this.updateSecureContextOptions(contextOptions(identity));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** Credentials of a dial; without `identity` only the server shows a certificate. */
export function dialCredentials(
  caCertificate: string,
  identity?: Omit<TlsIdentity, 'caCertificate'>,
): ChannelCredentials {
  const own = identity === undefined ? {} : { cert: identity.certificate, key: identity.privateKey };
  return credentials.createFromSecureContext(
    createSecureContext({ ca: caCertificate, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ...own }),
  );
}

function contextOptions(identity: TlsIdentity): SecureContextOptions {
  return {
    ca: identity.caCertificate,
    cert: identity.certificate,
    key: identity.privateKey,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  };
}
