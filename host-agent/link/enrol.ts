/** How a host joins: its keys are made here and stay here; a token and a request for a certificate go out. */
import { dialCredentials } from '../../shared/rpc/credentials.ts';
import { enrolmentService } from '../../shared/rpc/definitions.ts';
import type { EnrolmentBundle } from '../../shared/rpc/enrolment-bundle.ts';
import { ledgerKeyProofBytes } from '../../shared/rpc/enrolment-proof.ts';
import type { EnrolmentService } from '../../shared/rpc/generated/services.ts';
import { rpcClient } from '../../shared/rpc/rpc-client.ts';
import { checkIssued, makeKeyWithRequest } from './certificate-request.ts';
import type { IdentityStore } from './identity-store.ts';

const ENROL_TIMEOUT_MS = 30_000;

/**
 * Joins once. What a failed call leaves is a ledger key at most; the next try uses it again. Errors: `RejectedError`
 * with the control plane's code (`token-expired`, `token-used`, ...) or `certificate-not-usable`, `TransientError` when it
 * cannot be reached.
 */
export async function enrol(
  identity: IdentityStore,
  { host, token, addresses, caCertificate }: Pick<EnrolmentBundle, 'host' | 'token' | 'addresses' | 'caCertificate'>,
): Promise<void> {
  const ledgerKey = identity.makeLedgerKey();
  const { privateKey, csr } = await makeKeyWithRequest(host);
  const client = rpcClient<EnrolmentService>({
    address: addresses.join,
    service: enrolmentService,
    credentials: dialCredentials(caCertificate),
  });
  try {
    const ledgerKeyProof = ledgerKey.sign(ledgerKeyProofBytes(host, csr));
    const request = { host, token, csr, ledgerPublicKey: ledgerKey.publicKeyPem, ledgerKeyProof };
    const issued = await client.enrol(request, { timeoutMs: ENROL_TIMEOUT_MS });
    const certificate = checkIssued(issued.certificate, { privateKey, host, caCertificate });
    identity.saveCa(caCertificate);
    identity.saveTls({ certificate, privateKey });
  } finally {
    client.close();
  }
}
