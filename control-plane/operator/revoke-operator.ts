import { RejectedError } from '../../shared/errors.ts';
import type { RevokeOperatorRequest, RevokeOperatorResponse } from '../../shared/rpc/generated/messages.ts';
import { listOperatorCertificates, revokeCertificate } from '../store/certificates.ts';
import type { OperatorContext } from './operator-context.ts';

/**
 * Durable first, then whatever those certificates have open is ended. Revoking twice is fine. Errors:
 * `operator-unknown`.
 */
export async function revokeOperator(
  { store, clock, operatorCalls }: OperatorContext,
  { name, serial }: RevokeOperatorRequest,
): Promise<RevokeOperatorResponse> {
  const now = clock.now();
  const { meant, revoked } = await store.transaction().execute(async (transaction) => {
    const issued = await listOperatorCertificates(transaction);
    const meant = issued.filter((row) => row.subject === name && (serial === '' || row.serial === serial));
    if (meant.length === 0) throw unknown(name, serial);
    const revoked: string[] = [];
    for (const row of meant) if (await revokeCertificate(transaction, row.serial, now)) revoked.push(row.serial);
    return { meant, revoked };
  });
  for (const row of meant) {
    const reason = `the certificate "${row.serial}" of "${name}" was revoked`;
    operatorCalls.end(row.serial, new RejectedError('certificate-revoked', reason));
  }
  return { revoked };
}

function unknown(name: string, serial: string): RejectedError {
  const which = serial === '' ? 'no certificate' : `no certificate "${serial}"`;
  return new RejectedError('operator-unknown', `failed to revoke operator "${name}": it was issued ${which} here`, {
    hint: 'list them with: keyturn operator list',
  });
}
