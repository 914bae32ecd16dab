import { dialCredentials } from '../../shared/rpc/credentials.ts';
import { agentGatewayService } from '../../shared/rpc/definitions.ts';
import type { AgentGatewayService } from '../../shared/rpc/generated/services.ts';
import { type RpcClient, rpcClient } from '../../shared/rpc/rpc-client.ts';
import type { HostTlsIdentity } from './identity-store.ts';

/** One connection to the control plane, with one identity. */
export type GatewayClient = RpcClient<AgentGatewayService>;

export function dialGateway(
  address: string,
  { caCertificate, certificate, privateKey }: HostTlsIdentity,
): GatewayClient {
  return rpcClient<AgentGatewayService>({
    address,
    service: agentGatewayService,
    credentials: dialCredentials(caCertificate, { certificate, privateKey }),
  });
}
