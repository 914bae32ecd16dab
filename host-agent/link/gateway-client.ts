import type { ClientDuplexStream, MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

import { dialCredentials } from '../../shared/rpc/credentials.ts';
import { agentGatewayService, directiveIn } from '../../shared/rpc/definitions.ts';
import type { AgentToControl, ControlToAgent } from '../../shared/rpc/generated/messages.ts';
import type { AgentGatewayService } from '../../shared/rpc/generated/services.ts';
import { type CallOptions, type RpcClient, rpcClient } from '../../shared/rpc/rpc-client.ts';
import type { HostTlsIdentity } from './identity-store.ts';

/** A message with the directive in it as it came, if it has one: fields that this agent does not know are still there. */
export type ReceivedMessage = ControlToAgent & { readonly directiveBytes?: Buffer };
export type LinkStream = ClientDuplexStream<AgentToControl, ReceivedMessage>;

/** One connection to the control plane, with one identity. */
export type GatewayClient = Omit<RpcClient<AgentGatewayService>, 'session'> & {
  session(options?: CallOptions): LinkStream;
};

const service: ServiceDefinition = Object.fromEntries(
  Object.entries(agentGatewayService).map(([name, method]) => [
    name,
    name === 'Session' ? withDirectiveBytes(method) : method,
  ]),
);

export function dialGateway(
  address: string,
  { caCertificate, certificate, privateKey }: HostTlsIdentity,
): GatewayClient {
  const credentials = dialCredentials(caCertificate, { certificate, privateKey });
  return rpcClient<AgentGatewayService>({ address, service, credentials }) as GatewayClient;
}

function withDirectiveBytes(method: MethodDefinition<object, object>): MethodDefinition<object, object> {
  const decode = (bytes: Buffer) => ({ ...method.responseDeserialize(bytes), directiveBytes: directiveIn(bytes) });
  return { ...method, responseDeserialize: decode };
}
