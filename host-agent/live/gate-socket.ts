/**
 * Where a live process asks whether it may go on: a Unix socket, one line of JSON in, one out.
 *
 * 1. `{"open":true}` is said only to a permit that this host signed, for a live run that runs now, while the gate would give
 *    the same permit again. Every other question gets `{"open":false}` with a reason, or no answer (P3).
 * 2. Nothing is opened here, and whoever asks learns nothing but about the permit that he holds.
 * 3. A question is one line and nothing behind it, and whole within `QUESTION_MS`; of more connections than `CONNECTION_COUNT`
 *    the oldest is dropped, so that those who say nothing keep nobody out.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { messageOf, RejectedError } from '../../shared/errors.ts';
import { type PermitToken, verifyPermitToken } from '../../shared/orders/permit-token.ts';
import { makeDirectory } from '../../shared/store/atomic-file.ts';
import type { GateKeeper } from '../gate/gate-keeper.ts';
import type { LiveRegistry } from './live-registry.ts';

export interface GateSocketOptions {
  readonly path: string;
  readonly host: string;
  readonly hostPublicKey: string;
  readonly keeper: GateKeeper;
  readonly registry: LiveRegistry;
  readonly nowMs: () => number;
  /** For a question; `QUESTION_MS` unless said. */
  readonly testOnlyQuestionMs?: number;
}

const QUESTION_BYTES = 64 * 1024;
/** From the connection to the question's end. */
const QUESTION_MS = 5_000;
const CONNECTION_COUNT = 64;

export class GateSocket {
  readonly #options: GateSocketOptions;
  #listening: Promise<Server> | undefined;
  /** Oldest first. */
  readonly #connections = new Set<Socket>();

  constructor(options: GateSocketOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  /** Listens from the first call on. Errors: `RejectedError('gate-socket-unusable')`; the next call tries again. */
  async open(): Promise<void> {
    this.#listening ??= this.#listen();
    try {
      await this.#listening;
    } catch (cause) {
      this.#listening = undefined;
      const { path } = this.#options;
      throw new RejectedError('gate-socket-unusable', `failed to listen on "${path}": ${messageOf(cause)}`, { cause });
    }
  }

  async close(): Promise<void> {
    const server = await this.#listening?.catch(() => undefined);
    this.#listening = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }

  /** Whether the process that shows this may go on. Never throws. */
  ask(question: string): { readonly open: true } | { readonly open: false; readonly reason: string } {
    try {
      const reason = this.#whyNot(question);
      return reason === undefined ? { open: true } : { open: false, reason };
    } catch (error) {
      return { open: false, reason: messageOf(error) };
    }
  }

  #whyNot(question: string): string | undefined {
    const asked = questionOf(question);
    if (!asked) return 'expected {"permit": "...", "entrypoint": "..."}';
    const { host, hostPublicKey, registry, keeper, nowMs } = this.#options;
    const token = verifyPermitToken(asked.permit, hostPublicKey);
    if (token.host !== host) return 'the permit is of another host';
    if (token.entrypoint !== asked.entrypoint) return 'the permit is for another entrypoint';
    if (nowMs() >= token.expiresMs) return 'the permit has expired';
    const running = registry.find(token.live);
    if (running?.app !== token.app) return 'the live run of the permit is over';
    if (running.isEnding()) return 'the live run of the permit is to end';
    return isSamePermit(keeper, token) ? undefined : 'the permit is of another order';
  }

  async #listen(): Promise<Server> {
    const { path } = this.#options;
    makeDirectory(dirname(path), { mode: 0o755 });
    rmSync(path, { force: true }); // of an agent that was killed
    const server = createServer((socket) => this.#serve(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    chmodSync(path, 0o666); // whoever reaches it may ask
    server.unref();
    return server;
  }

  #serve(socket: Socket): void {
    this.#enter(socket);
    let question = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      question = Buffer.concat([question, chunk]);
      if (!question.includes(0x0a) && question.length <= QUESTION_BYTES) return;
      socket.removeAllListeners('data').resume();
      socket.end(`${JSON.stringify(this.ask(lineOf(question)))}\n`);
    });
  }

  #enter(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), this.#options.testOnlyQuestionMs ?? QUESTION_MS);
    this.#connections.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
      this.#connections.delete(socket);
    });
    const [oldest] = this.#connections;
    if (this.#connections.size > CONNECTION_COUNT) oldest?.destroy(); // 3
  }
}

/** Empty, and so no question, unless it is one whole line. */
function lineOf(question: Buffer): string {
  return question.indexOf(0x0a) === question.length - 1 ? question.subarray(0, -1).toString('utf8') : '';
}

/** Errors: those of `permitFor`, when the gate is closed. */
function isSamePermit(keeper: GateKeeper, { app, entrypoint, epoch, order }: PermitToken): boolean {
  const { facts } = keeper.permitFor(app, entrypoint);
  return facts.epoch === epoch && facts.envelope === order;
}

function questionOf(text: string): { readonly permit: string; readonly entrypoint: string } | undefined {
  if (text === '') return undefined;
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 2) return undefined;
  const { permit, entrypoint } = value as Record<string, unknown>;
  return typeof permit === 'string' && typeof entrypoint === 'string' ? { permit, entrypoint } : undefined;
}
