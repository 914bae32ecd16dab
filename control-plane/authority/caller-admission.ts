/** Whether a caller, whose certificate TLS has verified, may still come in: checked at every call. */
import type { PeerCertificate } from 'node:tls';

import { RejectedError } from '../../shared/errors.ts';
import {
  type HostIdentity,
  type OperatorIdentity,
  type PeerIdentity,
  parsePeerIdentity,
} from '../../shared/rpc/peer-identity.ts';
import { findCertificate } from '../store/certificates.ts';
import { admittedHost, type HostRecord } from '../store/hosts.ts';
import type { Store } from '../store/schema.ts';

/** A host that may come in, in its present life. */
export interface AdmittedHost {
  readonly identity: HostIdentity;
  readonly host: string;
  readonly incarnation: number;
  /** SPKI PEM. */
  readonly ledgerPublicKey: string;
}

/** What TLS has verified of a caller at the door for hosts. Errors: `identity-missing`, `identity-not-understood`. */
export function hostIdentityOf(call: AuthenticatedCall): HostIdentity {
  const identity = identityOf(call);
  if (identity.kind !== 'host') throw wrongDoor(identity, 'host');
  return identity;
}

/** What TLS has verified of a caller at the door for operators. Errors: as `hostIdentityOf`. */
export function operatorIdentityOf(call: AuthenticatedCall): OperatorIdentity {
  const identity = identityOf(call);
  if (identity.kind !== 'operator') throw wrongDoor(identity, 'operator');
  return identity;
}

/** Errors: `certificate-*`, and those of `admittedHost`. */
export async function admitHost(store: Store, identity: HostIdentity, now: number): Promise<AdmittedHost> {
  const record: HostRecord & { ledger_public_key: string } = await admittedHost(store, identity.host);
  await checkCertificate(store, identity, now);
  const { incarnation, ledger_public_key: ledgerPublicKey } = record;
  return { identity, host: identity.host, incarnation, ledgerPublicKey };
}

/** Errors: `certificate-*`. */
export async function admitOperator(store: Store, identity: OperatorIdentity, now: number): Promise<OperatorIdentity> {
  await checkCertificate(store, identity, now);
  return identity;
}

/** What grpc-js knows of a call on a TLS connection. */
interface AuthenticatedCall {
  getAuthContext(): { sslPeerCertificate?: PeerCertificate };
}

function identityOf(call: AuthenticatedCall): PeerIdentity {
  return parsePeerIdentity(call.getAuthContext().sslPeerCertificate);
}

/** What this control plane never issued is refused, although its CA signed it: a restored database must not let more in. */
async function checkCertificate(store: Store, { serial, expiresAt }: PeerIdentity, now: number): Promise<void> {
  if (expiresAt <= now) throw refused('certificate-expired', serial);
  const known = await findCertificate(store, serial);
  if (known === undefined) throw refused('certificate-unknown', serial);
  if (known.revoked_at !== null) throw refused('certificate-revoked', serial);
}

function wrongDoor(identity: PeerIdentity, expected: PeerIdentity['kind']): RejectedError {
  return new RejectedError(
    'identity-not-understood',
    `failed to admit the caller: its certificate is for a "${identity.kind}", expected a "${expected}"`,
  );
}

function refused(code: Lowercase<string>, serial: string): RejectedError {
  return new RejectedError(code, `failed to admit the caller: its certificate "${serial}" is not valid here`);
}
