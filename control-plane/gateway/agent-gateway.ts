import type { Server } from '@grpc/grpc-js';

import { agentGatewayService } from '../../shared/rpc/definitions.ts';
import type { BlobPiece, MetadataPiece } from '../../shared/rpc/generated/messages.ts';
import type { AgentGatewayService } from '../../shared/rpc/generated/services.ts';
import { parsePeerIdentity } from '../../shared/rpc/peer-identity.ts';
import { addService, type Handlers } from '../../shared/rpc/serve.ts';
import { type AdmittedHost, admitHost } from '../authority/caller-admission.ts';
import { recordHostCertificate } from '../authority/enrol-host.ts';
import { serveBlobs } from '../blobs/serve-blobs.ts';
import { serveRepositoryFile } from '../store/repository.ts';
import type { GatewayContext } from './gateway-context.ts';
import { HostSession } from './host-session.ts';

/** For enrolled hosts; a listener that demands client certificates has to stand before it. */
export function addAgentGateway(server: Server, context: GatewayContext): void {
  addService<AgentGatewayService, AdmittedHost>(server, {
    service: agentGatewayService,
    audience: 'host',
    handlers: handlersOf(context),
    authorize: (_method, call) =>
      admitHost(context.store, parsePeerIdentity(call.getAuthContext().sslPeerCertificate), context.clock.now()),
    onError: context.onError,
  });
}

function handlersOf(context: GatewayContext): Handlers<AgentGatewayService, AdmittedHost> {
  return {
    session: (stream, { caller, signal }) => new HostSession(context, caller, stream).run(signal),
    fetchMetadata: ({ name }, { caller }) =>
      untilPutOut<MetadataPiece>(context, caller, () => serveRepositoryFile(context.store, name)),
    fetchBlobs: ({ wants }, { caller }) =>
      untilPutOut<BlobPiece>(context, caller, () => serveBlobs(context.blobs, wants)),
    renewCertificate: async ({ csr }, { caller }) => {
      const issued = await context.authority.issueHostCertificate(csr, caller.host);
      await recordHostCertificate(context.store, caller.host, issued);
      return { certificate: issued.certificate };
    },
  };
}

/** A host that is revoked in the middle of a download gets no further piece. */
async function* untilPutOut<T>(
  context: GatewayContext,
  caller: AdmittedHost,
  items: () => AsyncIterable<T>,
): AsyncGenerator<T> {
  const call = context.sessions.enterCall(caller.host);
  try {
    // Whoever was revoked since the door was opened found no call to end.
    await admitHost(context.store, caller.identity, context.clock.now());
    for await (const item of items()) {
      call.signal.throwIfAborted();
      yield item;
    }
  } finally {
    call.leave();
  }
}
