import type { Role } from '../../shared/rpc/peer-identity.ts';
import { addCertificate } from '../store/certificates.ts';
import type { Store } from '../store/schema.ts';
import type { CertificateAuthority, IssuedIdentity } from './certificate-authority.ts';

/** Issues a certificate for a person or a pipeline, and writes down that it was issued: others are not let in. */
export async function issueOperatorIdentity(
  { store, authority }: { store: Store; authority: CertificateAuthority },
  { name, role, lifetimeMs }: { name: string; role: Role; lifetimeMs?: number },
): Promise<IssuedIdentity> {
  const issued = await authority.issueOperatorCertificate(name, role, { lifetimeMs });
  const { serial, issuedAt, expiresAt } = issued;
  const lifetime = { issued_at: issuedAt, expires_at: expiresAt };
  await addCertificate(store, { serial, kind: 'operator', subject: name, role, ...lifetime });
  return issued;
}
