import type { ListOperatorsResponse } from '../../shared/rpc/generated/messages.ts';
import { listOperatorCertificates } from '../store/certificates.ts';
import type { OperatorContext } from './operator-context.ts';

export async function listOperators({ store }: OperatorContext): Promise<ListOperatorsResponse> {
  const rows = await listOperatorCertificates(store);
  return {
    certificates: rows.map((row) => ({
      name: row.subject,
      role: row.role ?? '',
      serial: row.serial,
      issuedAtMs: row.issued_at,
      expiresAtMs: row.expires_at,
      revokedAtMs: row.revoked_at ?? 0,
    })),
  };
}
