/**
 * A program of its own: a TCP relay with a delay each way, which counts what passes. It is told by its parent where to
 * relay to, tells it its port, and answers each question with what has passed since.
 *
 *   relay.ts HOST PORT DELAY_MS
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { DelayLine } from './delay-line.ts';
import type { Passed } from './relay-process.ts';

const [host = '', port = '', delay = '0'] = process.argv.slice(2);
const delayMs = Number(delay);
const passed: Passed[] = [];

// Either side may end its half before the other: what is under way the other way must still arrive.
const HALVES = { allowHalfOpen: true, noDelay: true };
const server = createServer(HALVES, (near) => {
  const far = connect({ ...HALVES, host, port: Number(port) });
  new DelayLine({ from: near, to: far }, { delayMs, onBytes: (bytes) => note('up', bytes) });
  new DelayLine({ from: far, to: near }, { delayMs, onBytes: (bytes) => note('down', bytes) });
  breakTogether(near, far);
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => process.send?.({ passed }));
// The parent is gone, and nobody else needs this.
process.on('disconnect', () => process.exit());

/** `up` is from whoever dialed, `down` to it. Bytes of one millisecond are one row. */
function note(direction: Passed['direction'], bytes: number): void {
  const atMs = Date.now();
  const last = passed.at(-1);
  if (last?.atMs === atMs && last.direction === direction) last.bytes += bytes;
  else passed.push({ atMs, direction, bytes });
}

/** An orderly end goes through the delay lines; what breaks on one side breaks on the other. */
function breakTogether(near: Socket, far: Socket): void {
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
}
