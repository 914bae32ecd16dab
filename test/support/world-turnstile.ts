/**
 * A place in the middle of a check where a test can hold it: the payload's process connects here and goes on only when
 * it is told to. So "while a check is running" is an event, and so is "that process is gone".
 */
import { createServer, type Server, type Socket } from 'node:net';

export class Turnstile implements AsyncDisposable {
  readonly #server: Server;
  readonly #standing = new Set<Socket>();
  readonly #arrivals: Arrival[] = [];
  readonly #waiting: ((arrival: Arrival) => void)[] = [];
  #isHolding = false;
  passedCount = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<Turnstile> {
    const server = createServer();
    const turnstile = new Turnstile(server);
    server.on('connection', (socket) => turnstile.#arrived(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return turnstile;
  }

  /** What a plan runs; it needs the host's network. */
  get argv(): readonly string[] {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the turnstile has no port');
    return ['python3', '-c', PASS, String(address.port)];
  }

  /** From now on whoever comes is held, until `letPass` of its arrival. */
  hold(): void {
    this.#isHolding = true;
  }

  /** From now on whoever comes passes at once. */
  release(): void {
    this.#isHolding = false;
  }

  /** Resolves when the next process stands here and is held. */
  nextHeld(): Promise<Arrival> {
    const arrival = this.#arrivals.shift();
    return arrival ? Promise.resolve(arrival) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#standing) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #arrived(socket: Socket): void {
    this.#standing.add(socket);
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.once('close', () => this.#standing.delete(socket));
    // A process that is killed leaves a reset connection behind; that it is gone is all that counts.
    socket.on('error', () => undefined);
    socket.resume();
    const letPass = () => {
      this.passedCount += 1;
      socket.end('pass\n');
    };
    const waiting = this.#isHolding ? this.#waiting.shift() : undefined;
    if (waiting) waiting({ letPass, gone });
    else if (this.#isHolding) this.#arrivals.push({ letPass, gone });
    else letPass();
  }
}

export interface Arrival {
  letPass(): void;
  /** Resolves when the process has passed, or has died. */
  readonly gone: Promise<void>;
}

const PASS = `import socket, sys
gate = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sys.exit(0 if gate.recv(16) == b"pass\\n" else 9)`;
