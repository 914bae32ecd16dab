import { RejectedError } from '../../shared/errors.ts';
import type { HostIdentity } from '../../shared/rpc/peer-identity.ts';
import type { Timer } from '../../shared/time/clock.ts';
import { lastHostExpiry } from '../store/certificates.ts';
import type { GatewayContext } from './gateway-context.ts';

/** Calls `expire` once, when the certificate has expired and the host has no newer one. */
export function watchCertificate(
  { store, clock, onError }: GatewayContext,
  { host, expiresAt }: HostIdentity,
  expire: (reason: Error) => void,
): Timer {
  let isCancelled = false;
  let timer = clock.setTimer(expiresAt - clock.now(), () => void look());
  return {
    cancel: () => {
      isCancelled = true;
      timer.cancel();
    },
  };

  async function look(): Promise<void> {
    try {
      const last = await lastHostExpiry(store, host);
      if (isCancelled) return;
      if (last === undefined || last <= clock.now()) expire(expired(host));
      else timer = clock.setTimer(last - clock.now(), () => void look());
    } catch (error) {
      // The store is closing or out of order: without an answer nobody stays.
      onError('session', error);
      expire(expired(host));
    }
  }
}

function expired(host: string): RejectedError {
  return new RejectedError('certificate-expired', `host "${host}" has not renewed its certificate`);
}
