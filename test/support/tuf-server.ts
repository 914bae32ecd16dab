/** Serves a `TufRepository` over real HTTP on the loopback interface, and misbehaves when told to. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { TufRepository } from './tuf-repository.ts';

/** What the server does instead of answering as it should. */
export type Misbehaviour = 'endless' | 'silent' | 'cut' | 'mute' | { redirect: string } | { status: number };

export class TufServer {
  /** By file name, before anything else. */
  readonly misbehaviours = new Map<string, Misbehaviour>();
  readonly #repository: TufRepository;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  constructor(repository: TufRepository) {
    this.#repository = repository;
  }

  /** Listens; the address of the server. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, folder = '', ...rest] = (request.url ?? '').split('/');
    const name = rest.join('/');
    const { metadataRequests, artifactRequests } = this.#repository;
    (folder === 'metadata' ? metadataRequests : artifactRequests).push(name);
    const misbehaviour = this.misbehaviours.get(name);
    if (misbehaviour !== undefined) misbehave(response, misbehaviour);
    else send(response, folder === 'metadata' ? this.#repository.metadataFile(name) : this.#artifact(name));
  }

  #artifact(name: string): Buffer | undefined {
    return this.#repository.artifactFile(decodeURIComponent(name));
  }
}

function send(response: ServerResponse, bytes: Buffer | undefined): void {
  if (bytes === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
}

function misbehave(response: ServerResponse, misbehaviour: Misbehaviour): void {
  if (misbehaviour === 'silent') response.writeHead(200).flushHeaders();
  else if (misbehaviour === 'cut') cut(response);
  else if (misbehaviour === 'mute') response.destroy();
  else if (misbehaviour === 'endless') pour(response.writeHead(200));
  else if ('redirect' in misbehaviour) response.writeHead(302, { location: misbehaviour.redirect }).end();
  else response.writeHead(misbehaviour.status).end();
}

/** Promises a thousand bytes, sends one, hangs up. */
function cut(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': 1000 }).write('{', () => response.destroy());
}

/** Sends spaces for as long as somebody reads. */
function pour(response: ServerResponse): void {
  const spaces = Buffer.alloc(64 * 1024, ' ');
  const more = () => {
    while (!response.destroyed && response.write(spaces));
  };
  response.on('drain', more).on('error', () => response.destroy());
  more();
}
