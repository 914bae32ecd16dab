import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { expect } from 'chai';
import { bytesBetween, RelayProcess } from './relay-process.ts';
import { Seeded } from './seeded-content.ts';

/** Answers everything with itself. */
async function echoServer(): Promise<Server & AsyncDisposable> {
  const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server as Server & AsyncDisposable;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

describe('the relay', () => {
  it('holds every byte back for its delay each way', async () => {
    await using server = await echoServer();
    await using relay = await RelayProcess.start({ port: portOf(server), delayMs: 10 });
    const socket = connect({ host: '127.0.0.1', port: relay.port, noDelay: true });
    await once(socket, 'connect');
    const trips: number[] = [];
    for (let trip = 0; trip < 5; trip += 1) {
      const startedAtMs = performance.now();
      socket.write('.');
      await once(socket, 'data');
      trips.push(performance.now() - startedAtMs);
    }
    socket.destroy();
    expect(Math.min(...trips)).to.be.at.least(19.5);
  });

  it('passes on more than it holds, in order, unchanged, and counts it', async () => {
    const sent = new Seeded('relay').bytes(80 * 1024 * 1024);
    await using server = await echoServer();
    await using relay = await RelayProcess.start({ port: portOf(server), delayMs: 2 });
    const fromMs = Date.now();
    const socket = connect({ host: '127.0.0.1', port: relay.port });
    const hash = createHash('sha256');
    socket.on('data', (chunk) => hash.update(chunk));
    socket.end(sent);
    await once(socket, 'close');
    expect(hash.digest('hex')).to.equal(createHash('sha256').update(sent).digest('hex'));
    const passed = await relay.passed();
    expect(bytesBetween(passed, { fromMs, toMs: Date.now() })).to.deep.equal({ up: sent.length, down: sent.length });
    expect(bytesBetween(passed, { fromMs: 0, toMs: fromMs - 1 })).to.deep.equal({ up: 0, down: 0 });
  });
});
