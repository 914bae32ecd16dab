import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { Server, type ServerCredentials } from '@grpc/grpc-js';

import { messageOf, TransientError } from '../errors.ts';
import { OPEN_DOOR_OPTIONS, RECEIVE_WINDOW_BYTES, SERVER_OPTIONS } from './channel-options.ts';

export type { Server };

/** How long open calls get to end by themselves once the listener stops. */
const STOP_GRACE_MS = 2_000;
/** What a sweep needs to take effect. */
const SWEPT_MS = 500;

export interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

export interface Listener {
  /** `host:port` as it was bound. */
  readonly address: string;
  readonly port: number;
  /** Takes no more calls, waits a little for the open ones, then cuts them off. */
  stop(): Promise<void>;
}

/** A server with our limits, to which services are added before it listens. */
export function createServer(): Server {
  return new Server(SERVER_OPTIONS);
}

/** The same for callers of whom nothing is known: it takes little messages, and has few of them under way. */
export class OpenServer extends Server {
  constructor() {
    super(OPEN_DOOR_OPTIONS);
  }
}

/** Errors: `TransientError` when the address cannot be bound. */
export async function startListener(
  server: Server,
  { host, port }: ListenAddress,
  credentials: ServerCredentials,
): Promise<Listener> {
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(joined(host, port), credentials, (cause, actual) =>
      cause
        ? reject(new TransientError(`failed to listen on "${joined(host, port)}": ${messageOf(cause)}`, { cause }))
        : resolve(actual),
    );
  });
  if (!(server instanceof OpenServer)) widenReceiveWindow(server);
  return { address: joined(host, bound), port: bound, stop: () => stopServer(server, joined(host, bound)) };
}

/**
 * Lets callers have more under way than the 64 KiB that HTTP/2 begins with, for uploads. grpc-js 1.14 has that setting
 * for clients alone; it is made here on the HTTP/2 server behind it, which its types hide.
 */
function widenReceiveWindow(server: Server): void {
  const { http2Servers } = server as unknown as { http2Servers: Map<Http2Server, unknown> };
  for (const http2Server of http2Servers.keys()) {
    http2Server.on('session', (session: ServerHttp2Session) => {
      session.settings({ initialWindowSize: RECEIVE_WINDOW_BYTES });
      session.setLocalWindowSize(RECEIVE_WINDOW_BYTES);
    });
  }
}

/**
 * Not by `forceShutdown`: without channelz, which is off here, grpc-js 1.14 knows no session to end there. Swept again,
 * because a connection that was being made when the stop began becomes a session only afterwards; and given up in the end,
 * because one that never becomes a session (a peer that went silent in its handshake) cannot be reached, nor reach anything.
 */
function stopServer(server: Server, address: string): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearInterval(sweeps);
      clearTimeout(giveUp);
      resolve();
    };
    server.drain(address, STOP_GRACE_MS);
    const sweeps = setInterval(() => server.drain(address, 0), STOP_GRACE_MS);
    const giveUp = setTimeout(done, 2 * STOP_GRACE_MS + SWEPT_MS);
    server.tryShutdown(done);
  });
}

function joined(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
