import { repositorySource } from '../../shared/rpc/repository-source.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { TrustSource } from '../../shared/trust/source.ts';
import type { GatewayClient } from './gateway-client.ts';
import { untilSilent } from './silence.ts';

/**
 * Trust metadata and small targets over whatever connection is open. `gateway` throws `TransientError` when none is, and
 * so does every read then, and one that the control plane leaves without an answer. Aborting `signal` ends each read.
 */
export function linkTrustSource(
  gateway: () => GatewayClient,
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): TrustSource {
  return repositorySource((name) =>
    untilSilent((until) => gateway().fetchMetadata({ name }, { signal: until }), {
      clock,
      signal,
      bytesOf: ({ data }) => data.length,
    }),
  );
}
