/** A program of its own: sends back what it gets on a port of the loopback; prints the port. */
import { type AddressInfo, createServer } from 'node:net';

const server = createServer((socket) => {
  socket.setNoDelay(true).on('error', () => undefined);
  socket.pipe(socket);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
