/**
 * A program of its own: one end of Node's bare TLS 1.3 stream with certificates on both sides; no protocol, no disk, no
 * digest. The server sends as many bytes as it is told, the client throws them away and says how long they took.
 *
 *   bare-stream.ts serve FOLDER BYTES      prints its port
 *   bare-stream.ts receive FOLDER BYTES PORT      prints milliseconds
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { connect, createServer, type TLSSocket } from 'node:tls';

const CHUNK_BYTES = 1024 * 1024;

const [role = '', folder = '', bytes = '', port = ''] = process.argv.slice(2);
if (role === 'serve') serve(Number(bytes));
else process.stdout.write(`${await receive(Number(bytes), Number(port))}\n`);

function serve(total: number): void {
  const chunk = Buffer.alloc(CHUNK_BYTES, 7);
  const server = createServer({ ...identity('server'), requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.on('error', () => undefined);
    // The client's first byte says that the connection stands and its clock runs.
    socket.once('data', () => void send(socket, { chunk, total }));
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
}

async function send(socket: TLSSocket, { chunk, total }: { chunk: Buffer; total: number }): Promise<void> {
  for (let left = total; left > 0; left -= chunk.length) {
    const hasRoom = socket.write(chunk.subarray(0, Math.min(left, chunk.length)));
    if (!hasRoom) await once(socket, 'drain');
  }
}

async function receive(total: number, at: number): Promise<number> {
  const socket = connect({ host: '127.0.0.1', port: at, servername: 'localhost', ...identity('client') });
  await once(socket, 'secureConnect');
  const startedAtMs = performance.now();
  let received = 0;
  const whole = new Promise<number>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (data) => {
      received += data.length;
      if (received === total) resolve(performance.now() - startedAtMs);
    });
  });
  socket.write('.');
  return whole.finally(() => socket.destroy());
}

function identity(name: string) {
  const read = (file: string) => readFileSync(join(folder, file));
  return { ca: read('ca.crt'), cert: read(`${name}.crt`), key: read(`${name}.key`), minVersion: 'TLSv1.3' as const };
}
