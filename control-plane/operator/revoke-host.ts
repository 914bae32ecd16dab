import { RejectedError } from '../../shared/errors.ts';
import type { RevokeHostRequest, RevokeHostResponse } from '../../shared/rpc/generated/messages.ts';
import { revokeHostCertificates } from '../store/certificates.ts';
import { revokeHost as markRevoked } from '../store/hosts.ts';
import type { OperatorContext } from './operator-context.ts';

/** Durable first, then whatever the host has open is ended. Revoking twice is fine. Errors: `host-unknown`. */
export async function revokeHost(
  { store, clock, sessions }: OperatorContext,
  { host }: RevokeHostRequest,
): Promise<RevokeHostResponse> {
  const now = clock.now();
  await store.transaction().execute(async (transaction) => {
    if (!(await markRevoked(transaction, host, now))) {
      throw new RejectedError('host-unknown', `failed to revoke host "${host}": there is none`, {
        hint: 'see the hosts with `keyturn host list`',
      });
    }
    await revokeHostCertificates(transaction, host, now);
  });
  sessions.putOut(host, new RejectedError('host-revoked', `host "${host}" was revoked`));
  return {};
}
