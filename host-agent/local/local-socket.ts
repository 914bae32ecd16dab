/**
 * Where root on this host speaks to the running agent: `agent.sock` in the agent's own folder, one line of JSON in, lines out.
 *
 * 1. Whoever may not enter the folder reaches nothing, and the socket itself is for its owner alone.
 * 2. A peer that says nothing, too much or nonsense is sent away, and takes nothing from the others.
 * 3. What was begun goes on when its peer leaves: a kill is not taken back by a closed terminal.
 */
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { RejectedError } from '../../shared/errors.ts';
import { failureOf } from './failure-answer.ts';
import { encodeLine, type LocalAnswer, type LocalRequest, parseRequest, REQUEST_BYTES } from './messages.ts';

export const SOCKET_FILE = 'agent.sock';

export interface LocalSocketOptions {
  readonly path: string;
  readonly follow: (request: LocalRequest) => AsyncIterable<LocalAnswer>;
  /** From the connection to the request's end. */
  readonly requestMs?: number;
  readonly testOnlyAtBoundary?: ((boundary: string) => void) | undefined;
}

const REQUEST_MS = 5_000;
const CONNECTION_COUNT = 64;

export class LocalSocket {
  readonly #options: LocalSocketOptions;
  readonly #connections = new Set<Socket>();
  #server: Server | undefined;

  constructor(options: LocalSocketOptions) {
    this.#options = options;
  }

  /** To be called by whoever holds the lock of the folder. Errors: the system's, such as a path that is too long. */
  async open(): Promise<void> {
    const { path } = this.#options;
    rmSync(path, { force: true }); // of an agent that was killed
    // What was sent with a closed end is answered all the same.
    const server = createServer({ allowHalfOpen: true }, (connection) => this.#serve(connection));
    server.maxConnections = CONNECTION_COUNT;
    await listening(server, path);
    server.unref();
    this.#server = server;
  }

  /** Whoever still waits gets what was said so far, and no `done`. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of this.#connections) connection.destroySoon();
    await closed;
  }

  #serve(connection: Socket): void {
    this.#connections.add(connection);
    connection.on('close', () => this.#connections.delete(connection));
    connection.on('error', () => connection.destroy());
    const timer = setTimeout(() => connection.destroy(), this.#options.requestMs ?? REQUEST_MS); // 2
    connection.on('close', () => clearTimeout(timer));
    whenLine(connection, (line) => {
      clearTimeout(timer);
      void this.#answer(line, connection);
    });
  }

  /** Never rejects. */
  async #answer(line: string | undefined, connection: Socket): Promise<void> {
    try {
      const request = line === undefined ? undefined : parseRequest(line);
      if (!request) throw new RejectedError('request-malformed', 'failed to read what is asked: it is no request');
      for await (const answer of this.#options.follow(request)) {
        this.#say(answer, connection);
        this.#options.testOnlyAtBoundary?.(`said ${answer.said}`);
      }
    } catch (error) {
      this.#say(failureOf(error), connection);
    }
    this.#say({ said: 'done' }, connection);
    connection.destroySoon();
  }

  #say(answer: LocalAnswer, connection: Socket): void {
    if (connection.writable) connection.write(encodeLine(answer)); // 3
  }
}

/** The name is there with its rights, or it is not: whoever is bound by the mask of the process cannot be too early. */
async function listening(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177); // 1
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
      process.umask(mask);
    });
  } finally {
    process.umask(mask);
  }
}

/** The first line, without its end; undefined for one that is too long or never ends. The rest is not read. */
function whenLine(connection: Socket, then: (line: string | undefined) => void): void {
  let text = Buffer.alloc(0);
  const over = (line: string | undefined): void => {
    connection.removeAllListeners('data').removeAllListeners('end');
    connection.resume();
    then(line);
  };
  connection.on('end', () => over(undefined));
  connection.on('data', (chunk: Buffer) => {
    text = Buffer.concat([text, chunk]);
    const end = text.indexOf(0x0a);
    if (end >= 0 && end <= REQUEST_BYTES) over(text.subarray(0, end).toString('utf8'));
    else if (text.length > REQUEST_BYTES) over(undefined);
  });
}
