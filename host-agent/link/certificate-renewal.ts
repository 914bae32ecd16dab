import type { Clock, Timer } from '../../shared/time/clock.ts';
import { checkIssued, makeKeyWithRequest } from './certificate-request.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type IdentityStore, lifeOf } from './identity-store.ts';

/** After a renewal that failed. */
const RETRY_MS = 60_000;

export interface RenewalMeans {
  readonly host: string;
  readonly identity: IdentityStore;
  readonly client: GatewayClient;
  readonly clock: Clock;
  readonly onRenewed: (expiresAt: number) => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Renews the certificate at two thirds of its life, over the connection that is open, which goes on: the new key and
 * certificate are used by the next dial. Runs until it is cancelled.
 */
export function keepCertificateFresh(means: RenewalMeans): Timer {
  const { clock, identity, onRenewed, onFailed } = means;
  let isCancelled = false;
  let timer = clock.setTimer(dueMs(identity, clock), () => void renew());
  return {
    cancel: () => {
      isCancelled = true;
      timer.cancel();
    },
  };

  async function renew(): Promise<void> {
    let nextMs = RETRY_MS;
    try {
      await renewCertificate(means);
      nextMs = dueMs(identity, clock);
      onRenewed(lifeOf(identity.loadTls().certificate).expiresAt);
    } catch (error) {
      // Whatever it was, a third of the life is left to try again in.
      if (!isCancelled) onFailed(error);
    }
    if (!isCancelled) timer = clock.setTimer(nextMs, () => void renew());
  }
}

async function renewCertificate({ host, identity, client, clock }: RenewalMeans): Promise<void> {
  const { privateKey, csr } = await makeKeyWithRequest(host);
  const issued = await client.renewCertificate({ csr });
  const { caCertificate } = identity.loadTls();
  const certificate = checkIssued(issued.certificate, { privateKey, host, caCertificate, now: clock.now() });
  identity.saveTls({ certificate, privateKey });
}

function dueMs(identity: IdentityStore, clock: Clock): number {
  const { issuedAt, expiresAt } = lifeOf(identity.loadTls().certificate);
  return issuedAt + ((expiresAt - issuedAt) * 2) / 3 - clock.now();
}
