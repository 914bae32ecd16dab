/**
 * The doors: for hosts that join, for hosts that have joined, for people and pipelines. The last two may share one
 * listener; who may call what is decided by the certificate at every call, not by the port.
 */
import { ListenerCredentials, type TlsIdentity } from '../shared/rpc/credentials.ts';
import {
  createServer,
  type ListenAddress,
  type Listener,
  OpenServer,
  type Server,
  startListener,
} from '../shared/rpc/listener.ts';
import { addAgentGateway } from './gateway/agent-gateway.ts';
import { addEnrolment } from './gateway/enrolment.ts';
import type { OperatorContext } from './operator/operator-context.ts';
import { addOperatorService } from './operator/operator-service.ts';
import { addProbes, type Probes } from './operator/probes.ts';

export interface ListenAddresses {
  readonly join: ListenAddress;
  readonly gateway: ListenAddress;
  /** Left out, the operator API is served beside the gateway. */
  readonly operator?: ListenAddress;
}

/** As they were bound, `host:port`. */
export interface Addresses {
  readonly join: string;
  readonly gateway: string;
  readonly operator: string;
}

export interface DoorCredentials {
  readonly forAnybody: ListenerCredentials;
  /** Demands a client certificate of our CA. */
  readonly forKnown: ListenerCredentials;
}

export function listenerCredentials(identity: TlsIdentity): DoorCredentials {
  return {
    forAnybody: new ListenerCredentials(identity, 'not-asked-for'),
    forKnown: new ListenerCredentials(identity, 'required'),
  };
}

export interface OpenDoors {
  readonly listeners: readonly Listener[];
  readonly addresses: Addresses;
  readonly probes: Probes;
}

/** Opens all of them, or none. Errors: `TransientError` when an address cannot be bound. */
export async function startListeners(
  listen: ListenAddresses,
  context: OperatorContext,
  { forAnybody, forKnown }: DoorCredentials,
): Promise<OpenDoors> {
  const servers = { join: new OpenServer(), gateway: createServer(), operator: createServer() };
  const operatorServer = listen.operator === undefined ? servers.gateway : servers.operator;
  addEnrolment(servers.join, context);
  addAgentGateway(servers.gateway, context);
  addOperatorService(operatorServer, context);
  const probes = addProbes(operatorServer);
  const listeners: Listener[] = [];
  const open = async (server: Server, address: ListenAddress, credentials: ListenerCredentials): Promise<string> => {
    const listener = await startListener(server, address, credentials);
    listeners.push(listener);
    return listener.address;
  };
  try {
    const joining = await open(servers.join, listen.join, forAnybody);
    const gateway = await open(servers.gateway, listen.gateway, forKnown);
    const operator = listen.operator === undefined ? gateway : await open(servers.operator, listen.operator, forKnown);
    return { listeners, addresses: { join: joining, gateway, operator }, probes };
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.stop()));
    throw error;
  }
}
