import { once } from 'node:events';
import { connect } from 'node:http2';
import { ServerCredentials } from '@grpc/grpc-js';
import { expect } from 'chai';

import { createServer, OpenServer, type Server, startListener } from '../../../shared/rpc/listener.ts';

const MIB = 1024 * 1024;

describe('a listener', () => {
  /** What the listener tells any HTTP/2 client that connects. */
  const greetingOf = async (server: Server) => {
    const listener = await startListener(server, { host: '127.0.0.1', port: 0 }, ServerCredentials.createInsecure());
    const session = connect(`http://${listener.address}`);
    try {
      let settings = { initialWindowSize: 0, maxConcurrentStreams: 0 };
      session.on('remoteSettings', (told) => {
        settings = { ...settings, ...told };
      });
      await once(session, 'remoteSettings');
      // Behind the answer to a ping stands everything that was said before.
      await new Promise<void>((resolve) => session.ping(() => resolve()));
      const { initialWindowSize, maxConcurrentStreams } = settings;
      return { initialWindowSize, maxConcurrentStreams, sessionWindow: session.state.remoteWindowSize };
    } finally {
      session.close();
      await listener.stop();
    }
  };

  it('lets one upload have 8 MiB under way, and a connection 64 calls', async () => {
    expect(await greetingOf(createServer())).to.deep.equal({
      initialWindowSize: 8 * MIB,
      maxConcurrentStreams: 64,
      sessionWindow: 8 * MIB,
    });
  });

  it('lets a stranger have little under way', async () => {
    const { sessionWindow, maxConcurrentStreams } = await greetingOf(new OpenServer());
    expect(sessionWindow).to.equal(65_535);
    expect(maxConcurrentStreams).to.equal(4);
  });
});
