import { RejectedError } from '../../shared/errors.ts';
import { ledgerKeyProofBytes } from '../../shared/rpc/enrolment-proof.ts';
import type { EnrolRequest } from '../../shared/rpc/generated/messages.ts';
import { isSignedBy, parsePublicKey } from '../../shared/trust/keys.ts';
import { addCertificate, forgetExpiredHostCertificates, revokeHostCertificates } from '../store/certificates.ts';
import { registerHost } from '../store/hosts.ts';
import type { Store } from '../store/schema.ts';
import type { CertificateAuthority, IssuedCertificate } from './certificate-authority.ts';
import { checkJoinToken, spendJoinToken } from './join-token.ts';

export interface AuthorityContext {
  readonly store: Store;
  readonly authority: CertificateAuthority;
  readonly now: number;
}

export interface Enrolment {
  readonly issued: IssuedCertificate;
  /** With another ledger key the host begins a new life, and no certificate of the former one counts any more. */
  readonly isNewLife: boolean;
}

/**
 * Lets a host join: token, keys, certificate, and last the one transaction that spends the token. Whatever fails before
 * leaves the token as it was. Errors: `RejectedError` with the codes of `checkJoinToken`, `parsePublicKey` and
 * `issueHostCertificate`, or `ledger-key-not-proven`.
 */
export async function enrolHost(
  { store, authority, now }: AuthorityContext,
  request: EnrolRequest,
): Promise<Enrolment> {
  const presented = { token: request.token, host: request.host, now };
  await checkJoinToken(store, presented);
  const ledgerKey = checkLedgerKey(request);
  const issued = await authority.issueHostCertificate(request.csr, request.host);
  const isNewLife = await store.transaction().execute(async (transaction) => {
    await spendJoinToken(transaction, presented);
    const begins = await registerHost(transaction, { name: request.host, key: ledgerKey, now });
    if (begins) await revokeHostCertificates(transaction, request.host, now);
    await recordHostCertificate(transaction, request.host, issued);
    return begins;
  });
  return { issued, isNewLife };
}

export async function recordHostCertificate(store: Store, host: string, issued: IssuedCertificate): Promise<void> {
  const { serial, issuedAt, expiresAt } = issued;
  await forgetExpiredHostCertificates(store, host, issuedAt);
  await addCertificate(store, { serial, kind: 'host', subject: host, issued_at: issuedAt, expires_at: expiresAt });
}

/** The host's ledger key in its one spelling, once the host has shown that it holds it. */
function checkLedgerKey({ ledgerPublicKey, ledgerKeyProof, host, csr }: EnrolRequest): string {
  const key = parsePublicKey(ledgerPublicKey, "the host's ledger key");
  if (!isSignedBy(key, ledgerKeyProofBytes(host, csr), ledgerKeyProof)) {
    throw new RejectedError(
      'ledger-key-not-proven',
      `failed to enrol host "${host}": its ledger key did not sign the request`,
    );
  }
  return key.publicKeyPem;
}
