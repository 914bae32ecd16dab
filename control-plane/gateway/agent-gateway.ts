import type { Server } from '@grpc/grpc-js';

import { agentGatewayService } from '../../shared/rpc/definitions.ts';
import type { AgentGatewayService } from '../../shared/rpc/generated/services.ts';
import { addService, type Handlers } from '../../shared/rpc/serve.ts';
import { type AdmittedHost, admitHost, hostIdentityOf } from '../authority/caller-admission.ts';
import { renewHostCertificate } from '../authority/renew-host.ts';
import { serveContent } from '../blobs/serve-content.ts';
import { serveRepositoryFile } from '../store/repository.ts';
import type { GatewayContext } from './gateway-context.ts';
import { HostSession } from './host-session.ts';

/** For enrolled hosts; a listener that demands client certificates has to stand before it. */
export function addAgentGateway(server: Server, context: GatewayContext): void {
  const { store, sessions, clock } = context;
  addService<AgentGatewayService, AdmittedHost>(server, {
    service: agentGatewayService,
    audience: 'host',
    handlers: handlersOf(context),
    enter: (call) => sessions.calls.enter(hostIdentityOf(call).host),
    authorize: (_method, call) => admitHost(store, hostIdentityOf(call), clock.now()),
    onError: context.onError,
  });
}

function handlersOf(context: GatewayContext): Handlers<AgentGatewayService, AdmittedHost> {
  const { store, authority, blobs, chunkLists, clock } = context;
  return {
    session: (stream, { caller, signal }) => new HostSession(context, caller, stream).run(signal),
    fetchMetadata: ({ name }) => serveRepositoryFile(store, name),
    fetchContent: ({ wants }) => serveContent(blobs, wants),
    fetchChunkList: async ({ sha256 }) => {
      const { lengths, digests } = await chunkLists.of(sha256);
      return { lengths: [...lengths], digests: Buffer.from(digests) };
    },
    renewCertificate: async ({ csr }, { caller }) => {
      const { certificate } = await renewHostCertificate({ store, authority, now: clock.now() }, caller.identity, csr);
      return { certificate };
    },
  };
}
