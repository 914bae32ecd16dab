import { repositorySource } from '../../shared/rpc/repository-source.ts';
import type { TrustSource } from '../../shared/trust/source.ts';
import type { GatewayClient } from './gateway-client.ts';

/**
 * Trust metadata and small targets over whatever connection is open. `gateway` throws `TransientError` when none is, and
 * so does every read then.
 */
export function linkTrustSource(gateway: () => GatewayClient): TrustSource {
  return repositorySource((name) => gateway().fetchMetadata({ name }));
}
