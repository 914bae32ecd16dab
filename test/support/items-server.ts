/** A Directus-style items API in memory, on a real socket, that can be told to misbehave. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export const ITEMS_TOKEN = 'a-token-of-this-test';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly token: string | undefined;
  readonly body: Record<string, string>;
}

export type Misbehave = (request: Received, response: ServerResponse, incoming: IncomingMessage) => boolean;

/** An items API in memory: items by id, the missing ones forbidden as Directus has it, and a way to misbehave. */
export class ItemsServer {
  readonly items = new Map<string, Record<string, string>>();
  readonly received: Received[] = [];
  misbehave: Misbehave = () => false;
  missingStatus = 403;
  readonly server: Server;

  constructor(tls?: { key: string; cert: string }) {
    const handle = (incoming: IncomingMessage, response: ServerResponse) => void this.#handle(incoming, response);
    this.server = tls ? createTlsServer(tls, handle) : createServer(handle);
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    const request = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      token: incoming.headers.authorization,
      body,
    };
    this.received.push(request);
    if (!this.misbehave(request, response, incoming)) this.answer(request, response);
  }

  answer({ method, path, token, body }: Received, response: ServerResponse): void {
    if (token !== `Bearer ${ITEMS_TOKEN}`) return void reply(response, 401, { errors: [] });
    const id = method === 'PATCH' ? (path.split('/').at(-1) ?? '') : (body.id ?? '');
    if (method === 'PATCH' && !this.items.has(id)) return void reply(response, this.missingStatus, { errors: [] });
    if (method === 'POST' && this.items.has(id))
      return void reply(response, 400, { errors: [{ extensions: { code: 'RECORD_NOT_UNIQUE' } }] });
    this.items.set(id, { ...this.items.get(id), ...body });
    reply(response, 200, { data: this.items.get(id) });
  }
}

export function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(typeof body === 'string' ? body : JSON.stringify(body));
}
