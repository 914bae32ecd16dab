import { repositorySource } from '../../shared/rpc/repository-source.ts';
import type { TrustSource } from '../../shared/trust/source.ts';
import type { GatewayClient } from './gateway-client.ts';

/**
 * Trust metadata and small targets over whatever connection is open. `gateway` throws `TransientError` when none is, and
 * so does every read then. Aborting `signal` ends each read, also one that the control plane leaves without an answer.
 */
export function linkTrustSource(
  gateway: () => GatewayClient,
  { signal }: { readonly signal: AbortSignal },
): TrustSource {
  return repositorySource((name) => gateway().fetchMetadata({ name }, { signal }));
}
