import { once } from 'node:events';
import { ChannelCredentials, ServerCredentials, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';
import { RejectedError } from '../../../shared/errors.ts';
import { agentGatewayService } from '../../../shared/rpc/definitions.ts';
import type { AgentToControl } from '../../../shared/rpc/generated/messages.ts';
import type { AgentGatewayService } from '../../../shared/rpc/generated/services.ts';
import { createServer, type Listener, startListener } from '../../../shared/rpc/listener.ts';
import { type RpcClient, rpcClient } from '../../../shared/rpc/rpc-client.ts';
import { addService, type Handlers, messagesOf } from '../../../shared/rpc/serve.ts';

type Session = Handlers<AgentGatewayService, undefined>['session'];
type Gateway = { listener: Listener; client: RpcClient<AgentGatewayService> };

const HELLO = { seq: 0, ack: 0, body: 'hello', hello: { agentVersion: '0' } } as const;
const PERMISSION_DENIED = 7;

async function open(session: Session): Promise<Gateway> {
  const server = createServer();
  const unused = () => {
    throw new Error('not called');
  };
  addService<AgentGatewayService, undefined>(server, {
    service: agentGatewayService,
    audience: 'host',
    authorize: async () => undefined,
    onError: () => undefined,
    handlers: {
      session,
      fetchMetadata: unused,
      fetchContent: unused,
      fetchChunkList: unused,
      renewCertificate: unused,
    },
  });
  const listener = await startListener(server, { host: '127.0.0.1', port: 0 }, ServerCredentials.createInsecure());
  const client = rpcClient<AgentGatewayService>({
    address: listener.address,
    service: agentGatewayService,
    credentials: ChannelCredentials.createInsecure(),
  });
  return { listener, client };
}

describe('a served stream', () => {
  it('tells the peer why it ends, also while a message to it is still on its way', async () => {
    const { listener, client } = await open(async (stream) => {
      const messages = messagesOf<AgentToControl>(stream);
      await messages.next();
      // The receiving half waits for the next message while the sending half is refused.
      messages.next().catch(() => undefined);
      stream.write({ seq: 0, ack: 1 });
      throw new RejectedError('host-revoked', 'the host was revoked');
    });
    const stream = client.session();
    stream.write(HELLO);
    stream.resume();
    const [error] = (await once(stream, 'error', { signal: AbortSignal.timeout(10_000) }).catch((cause) => [
      cause,
    ])) as [ServiceError];
    expect(error.code).to.equal(PERMISSION_DENIED);
    client.close();
    await listener.stop();
  });

  it('is cut off by a stop when it does not end by itself', async () => {
    const entered = Promise.withResolvers<void>();
    const { listener, client } = await open(async () => {
      entered.resolve();
      await new Promise<void>(() => undefined);
    });
    const stream = client.session();
    stream.write(HELLO);
    stream.resume();
    const ended = once(stream, 'error').catch((cause: unknown) => [cause]);
    await entered.promise;
    await listener.stop();
    await ended;
    client.close();
  });

  it('hands its messages on in order, whatever the reader takes its time for', async () => {
    const seen: number[] = [];
    const { listener, client } = await open(async (stream) => {
      for await (const { ack } of messagesOf<AgentToControl>(stream)) {
        seen.push(ack);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const stream = client.session();
    for (let ack = 0; ack < 200; ack += 1) stream.write({ seq: 0, ack });
    stream.resume();
    stream.end();
    await once(stream, 'end');
    expect(seen).to.deep.equal(Array.from({ length: 200 }, (_, ack) => ack));
    client.close();
    await listener.stop();
  });
});
