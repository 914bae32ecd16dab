import type { Clock, Timer } from '../../shared/time/clock.ts';
import { checkIssued, makeKeyWithRequest } from './certificate-request.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type IdentityStore, lifeOf } from './identity-store.ts';

/** Between two renewals, whether or not the first one failed: a clock that is far ahead finds every certificate old. */
const RETRY_MS = 60_000;
/** An answer that takes longer does not come; a third of a certificate's life must not go by in waiting for it. */
const ANSWER_MS = 30_000;

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
  const cancelled = new AbortController();
  let timer = clock.setTimer(dueMs(identity, clock), () => void renew());
  return {
    cancel: () => {
      cancelled.abort();
      timer.cancel();
    },
  };

  async function renew(): Promise<void> {
    let nextMs = RETRY_MS;
    try {
      await renewCertificate(means, cancelled.signal);
      nextMs = Math.max(RETRY_MS, dueMs(identity, clock));
      onRenewed(lifeOf(identity.loadTls().certificate).expiresAt);
    } catch (error) {
      // Whatever it was, a third of the life is left to try again in.
      if (!cancelled.signal.aborted) onFailed(error);
    }
    if (!cancelled.signal.aborted) timer = clock.setTimer(nextMs, () => void renew());
  }
}

async function renewCertificate(
  { host, identity, client, clock }: RenewalMeans,
  cancelled: AbortSignal,
): Promise<void> {
  const { privateKey, csr } = await makeKeyWithRequest(host);
  const late = new AbortController();
  const timer = clock.setTimer(ANSWER_MS, () => late.abort());
  const issued = await client
    .renewCertificate({ csr }, { signal: AbortSignal.any([cancelled, late.signal]) })
    .finally(() => timer.cancel());
  const { caCertificate } = identity.loadTls();
  const certificate = checkIssued(issued.certificate, { privateKey, host, caCertificate, now: clock.now() });
  identity.saveTls({ certificate, privateKey });
}

function dueMs(identity: IdentityStore, clock: Clock): number {
  const { issuedAt, expiresAt } = lifeOf(identity.loadTls().certificate);
  return issuedAt + ((expiresAt - issuedAt) * 2) / 3 - clock.now();
}
