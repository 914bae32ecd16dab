/** Whether a caller, whose certificate TLS has verified, may still come in: checked at every call. */
import { RejectedError } from '../../shared/errors.ts';
import type { HostIdentity, OperatorIdentity, PeerIdentity } from '../../shared/rpc/peer-identity.ts';
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

/** Errors: `identity-not-understood`, `certificate-*`, and those of `admittedHost`. */
export async function admitHost(store: Store, identity: PeerIdentity, now: number): Promise<AdmittedHost> {
  if (identity.kind !== 'host') throw wrongDoor(identity, 'host');
  const record: HostRecord & { ledger_public_key: string } = await admittedHost(store, identity.host);
  await checkCertificate(store, identity, now);
  const { incarnation, ledger_public_key: ledgerPublicKey } = record;
  return { identity, host: identity.host, incarnation, ledgerPublicKey };
}

/** Errors: `identity-not-understood`, `certificate-*`. */
export async function admitOperator(store: Store, identity: PeerIdentity, now: number): Promise<OperatorIdentity> {
  if (identity.kind !== 'operator') throw wrongDoor(identity, 'operator');
  await checkCertificate(store, identity, now);
  return identity;
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
