/** A client with one function per method: promises for single answers, async iterables for streams. */
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  connectivityState,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
} from '@grpc/grpc-js';

import { messageOf, RejectedError, type TransientError } from '../errors.ts';
import { DIAL_OPTIONS } from './channel-options.ts';
import type { MethodShape } from './serve.ts';
import { errorOfStatus } from './status.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** How long the whole call may take, in milliseconds; for ever by default. */
  readonly timeoutMs?: number;
}

export type Invoker<M extends MethodShape> = M['kind'] extends 'unary'
  ? (request: M['request'], options?: CallOptions) => Promise<M['response']>
  : M['kind'] extends 'client-stream'
    ? (requests: AsyncIterable<M['request']>, options?: CallOptions) => Promise<M['response']>
    : M['kind'] extends 'server-stream'
      ? (request: M['request'], options?: CallOptions) => AsyncIterable<M['response']>
      : (options?: CallOptions) => ClientDuplexStream<M['request'], M['response']>;

/**
 * Every failed call throws `RejectedError` with the peer's code or `answer-not-understood`, or `TransientError`. (A `bidi`
 * stream gives the errors of grpc-js.)
 */
export type RpcClient<S> = { readonly [M in keyof S]: S[M] extends MethodShape ? Invoker<S[M]> : never } & {
  /** Resolves once the connection stands, or has failed: the next call says why. */
  connect(signal: AbortSignal): Promise<void>;
  /** Lets open calls end; later ones fail. */
  close(): void;
};

export interface Dial {
  /** `host:port`. */
  readonly address: string;
  readonly service: ServiceDefinition;
  readonly credentials: ChannelCredentials;
  readonly options?: ChannelOptions;
}

type Definition = MethodDefinition<object, object>;

export function rpcClient<S>({ address, service, credentials, options = {} }: Dial): RpcClient<S> {
  const client = new Client(address, credentials, { ...DIAL_OPTIONS, ...options });
  const methods = Object.entries(service).map(([name, definition]) => {
    const method = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
    return [method, invokerOf(client, definition as Definition, method)] as const;
  });
  const own = { connect: (signal: AbortSignal) => connected(client, signal), close: () => client.close() };
  return { ...Object.fromEntries(methods), ...own } as RpcClient<S>;
}

function connected(client: Client, signal: AbortSignal): Promise<void> {
  const channel = client.getChannel();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    look();
    function look(): void {
      const state = channel.getConnectivityState(true);
      const isDecided = state !== connectivityState.IDLE && state !== connectivityState.CONNECTING;
      if (isDecided || signal.aborted) resolve();
      // The error of a watch is its deadline, or a channel that was closed: looking again would find no more.
      else channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, (error) => (error ? resolve() : look()));
    }
  });
}

function invokerOf(client: Client, definition: Definition, method: string): unknown {
  const action = `call ${method}`;
  if (definition.requestStream && definition.responseStream) {
    return (options: CallOptions = {}) => openDuplex(client, definition, options);
  }
  if (definition.requestStream) {
    return (requests: AsyncIterable<object>, options: CallOptions = {}) =>
      sendStream(client, definition, { requests, options, action });
  }
  if (definition.responseStream) {
    return (request: object, options: CallOptions = {}) => readStream(client, definition, { request, options, action });
  }
  return (request: object, options: CallOptions = {}) => callOnce(client, definition, { request, options, action });
}

function openDuplex(client: Client, definition: Definition, options: CallOptions): ClientDuplexStream<object, object> {
  const { path, requestSerialize, responseDeserialize } = definition;
  const call = client.makeBidiStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    new Metadata(),
    wireOptions(options),
  );
  cancelWith(options.signal, call);
  return call;
}

interface SingleRequest {
  readonly request: object;
  readonly options: CallOptions;
  readonly action: string;
}

function callOnce(
  client: Client,
  definition: Definition,
  { request, options, action }: SingleRequest,
): Promise<object> {
  const { path, requestSerialize } = definition;
  const answer = new Answer(definition, action);
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      answer.decode,
      request,
      new Metadata(),
      wireOptions(options),
      (error, response) => (error ? reject(answer.errorOf(error)) : resolve(response as object)),
    );
    cancelWith(options.signal, call);
  });
}

async function* readStream(
  client: Client,
  definition: Definition,
  { request, options, action }: SingleRequest,
): AsyncGenerator<object> {
  const { path, requestSerialize } = definition;
  const answer = new Answer(definition, action);
  const call: ClientReadableStream<object> = client.makeServerStreamRequest(
    path,
    requestSerialize,
    answer.decode,
    request,
    new Metadata(),
    wireOptions(options),
  );
  cancelWith(options.signal, call);
  try {
    for await (const item of call) yield item as object;
  } catch (error) {
    throw answer.errorOf(error);
  } finally {
    // A reader that stops early lets the server stop too; after the end it does nothing.
    call.cancel();
  }
}

interface StreamedRequest {
  readonly requests: AsyncIterable<object>;
  readonly options: CallOptions;
  readonly action: string;
}

function sendStream(
  client: Client,
  definition: Definition,
  { requests, options, action }: StreamedRequest,
): Promise<object> {
  const { path, requestSerialize } = definition;
  const answer = new Answer(definition, action);
  return new Promise((resolve, reject) => {
    const ended = new AbortController();
    const call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      answer.decode,
      new Metadata(),
      wireOptions(options),
      (error, response) => {
        ended.abort();
        if (error) reject(answer.errorOf(error));
        else resolve(response as object);
      },
    );
    cancelWith(options.signal, call);
    pump(requests, call, ended.signal).catch((error: unknown) => {
      call.cancel();
      reject(errorOfStatus(error, action));
    });
  });
}

/** The answer to one call. What cannot be decoded is the peer's fault, of which grpc-js makes a broken wire. */
class Answer {
  readonly #definition: Definition;
  readonly #action: string;
  #fault: { readonly cause: unknown } | undefined;

  constructor(definition: Definition, action: string) {
    this.#definition = definition;
    this.#action = action;
  }

  readonly decode = (bytes: Buffer): object => {
    try {
      return this.#definition.responseDeserialize(bytes);
    } catch (cause) {
      this.#fault = { cause };
      throw cause;
    }
  };

  errorOf(error: unknown): RejectedError | TransientError {
    if (this.#fault === undefined) return errorOfStatus(error, this.#action);
    const { cause } = this.#fault;
    return new RejectedError('answer-not-understood', `failed to ${this.#action}: ${messageOf(cause)}`, { cause });
  }
}

type RequestSink = ClientWritableStream<object>;

/** Writes until the source or the call ends; the call's own answer says how it went. */
async function pump(requests: AsyncIterable<object>, call: RequestSink, ended: AbortSignal): Promise<void> {
  for await (const request of requests) {
    if (ended.aborted) return;
    if (!call.write(request)) await drainedOrEnded(call, ended);
  }
  call.end();
}

function drainedOrEnded(call: RequestSink, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.removeListener('drain', done);
      ended.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    ended.addEventListener('abort', done);
  });
}

function wireOptions({ timeoutMs }: CallOptions): { deadline?: number } {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

function cancelWith(
  signal: AbortSignal | undefined,
  call: { cancel(): void; once(event: 'status', listener: () => void): unknown },
): void {
  if (signal === undefined) return;
  const cancel = (): void => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel);
  call.once('status', () => signal.removeEventListener('abort', cancel));
}
