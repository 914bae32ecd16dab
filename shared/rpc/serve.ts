/**
 * A service from plain async functions: every caller is authorized first, every stream respects back-pressure and ends
 * with its caller, every error becomes a status.
 */
import { type EventEmitter, on, once } from 'node:events';
import type {
  Server,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  StatusObject,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';

import { type Audience, statusOfError } from './status.ts';

/** What generated service types say of one method. */
export type MethodShape = {
  kind: 'unary' | 'client-stream' | 'server-stream' | 'bidi';
  request: object;
  response: object;
};

/** A call that has been let in. */
export interface CallContext<Caller> {
  readonly caller: Caller;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

export type Handler<M extends MethodShape, Caller> = M['kind'] extends 'unary'
  ? (request: M['request'], context: CallContext<Caller>) => Promise<M['response']>
  : M['kind'] extends 'client-stream'
    ? (requests: AsyncIterable<M['request']>, context: CallContext<Caller>) => Promise<M['response']>
    : M['kind'] extends 'server-stream'
      ? (request: M['request'], context: CallContext<Caller>) => AsyncIterable<M['response']>
      : (stream: ServerDuplexStream<M['request'], M['response']>, context: CallContext<Caller>) => Promise<void>;

/** One handler for every method, so that a missing one is a type error. */
export type Handlers<S, Caller> = { readonly [M in keyof S]: S[M] extends MethodShape ? Handler<S[M], Caller> : never };

export interface ServiceOptions<S, Caller> {
  readonly service: ServiceDefinition;
  readonly handlers: Handlers<S, Caller>;
  readonly audience: Audience;
  /** Lets the caller in or throws `RejectedError`. */
  authorize(method: keyof S & string, call: AnyCall): Promise<Caller>;
  /** Hears of every failed call, with the error itself. */
  onError(method: string, error: unknown): void;
}

type Duplex = ServerDuplexStream<object, object>;
type AnyCall =
  | ServerUnaryCall<object, object>
  | ServerReadableStream<object, object>
  | ServerWritableStream<object, object>
  | Duplex;
type AnyHandler<Caller> = (request: unknown, context: CallContext<Caller>) => unknown;

export function addService<S, Caller>(server: Server, options: ServiceOptions<S, Caller>): void {
  const implementation: UntypedServiceImplementation = {};
  for (const [name, definition] of Object.entries(options.service)) {
    const method = `${name.charAt(0).toLowerCase()}${name.slice(1)}` as keyof S & string;
    const answer = callAnswerer(options, method);
    if (definition.responseStream)
      implementation[name] = (call: Duplex) => void stream(call, definition.requestStream ? call : undefined, answer);
    else implementation[name] = (call: AnyCall, callback: sendUnaryData<object>) => void reply(call, callback, answer);
  }
  server.addService(options.service, implementation);
}

interface CallAnswerer {
  /** The handler's result, once the caller has been let in. */
  answer(call: AnyCall, request: unknown): Promise<unknown>;
  refuse(error: unknown): Partial<StatusObject>;
}

function callAnswerer<S, Caller>(options: ServiceOptions<S, Caller>, method: keyof S & string): CallAnswerer {
  const handler = options.handlers[method] as AnyHandler<Caller>;
  return {
    answer: async (call, request) => {
      const caller = await options.authorize(method, call);
      return handler(request, { caller, signal: signalOf(call) });
    },
    refuse: (error) => {
      options.onError(method, error);
      return statusOfError(error, options.audience);
    },
  };
}

async function reply(call: AnyCall, callback: sendUnaryData<object>, answerer: CallAnswerer): Promise<void> {
  try {
    const request = 'request' in call ? call.request : call;
    callback(null, (await answerer.answer(call, request)) as object);
  } catch (error) {
    callback(answerer.refuse(error));
  }
}

async function stream(call: Duplex, requests: Duplex | undefined, answerer: CallAnswerer): Promise<void> {
  try {
    const request = requests ?? (call as unknown as ServerWritableStream<object, object>).request;
    const answer = await answerer.answer(call, request);
    if (requests === undefined) await sendAll(call, answer as AsyncIterable<object>);
    call.end();
  } catch (error) {
    if (!call.cancelled) call.emit('error', answerer.refuse(error));
  }
}

/**
 * The messages of a stream as they come, with back-pressure. Not by the stream's own iterator: that destroys the stream when
 * the call is refused, before the reason has left.
 */
export async function* messagesOf<T>(stream: EventEmitter): AsyncGenerator<T> {
  const options = { close: ['end', 'close'], highWaterMark: 16, lowWaterMark: 8 };
  for await (const [message] of on(stream, 'data', options)) yield message as T;
}

/** Sends item by item, waiting whenever the caller is slower; lets go of the source when the caller is gone. */
async function sendAll(call: Duplex, items: AsyncIterable<object>): Promise<void> {
  const signal = signalOf(call);
  for await (const item of items) {
    if (signal.aborted) return;
    if (!call.write(item)) await drained(call, signal);
  }
}

/** Resolves once the stream takes more, or once its caller has gone. */
export async function drained(call: EventEmitter, signal: AbortSignal): Promise<void> {
  try {
    await once(call, 'drain', { signal });
  } catch (error) {
    // The caller has gone: its signal says so to whoever is writing.
    if (!signal.aborted) throw error;
  }
}

function signalOf(call: AnyCall): AbortSignal {
  const controller = new AbortController();
  if (call.cancelled) controller.abort();
  (call as EventEmitter).once('cancelled', () => controller.abort());
  return controller.signal;
}
