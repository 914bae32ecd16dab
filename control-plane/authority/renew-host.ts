import type { HostIdentity } from '../../shared/rpc/peer-identity.ts';
import { admitHost } from './caller-admission.ts';
import type { IssuedCertificate } from './certificate-authority.ts';
import { type AuthorityContext, recordHostCertificate } from './enrol-host.ts';

/**
 * A new certificate for the key in `csr`. It counts from the moment it is written down, and that is done only while the
 * one that asked for it counts: a revocation in between must not leave a certificate that nobody revoked. Errors: those
 * of `issueHostCertificate` and `admitHost`.
 */
export async function renewHostCertificate(
  { store, authority, now }: AuthorityContext,
  identity: HostIdentity,
  csr: Uint8Array,
): Promise<IssuedCertificate> {
  const issued = await authority.issueHostCertificate(csr, identity.host);
  await store.transaction().execute(async (transaction) => {
    await admitHost(transaction, identity, now);
    await recordHostCertificate(transaction, identity.host, issued);
  });
  return issued;
}
