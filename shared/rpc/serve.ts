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
  /** Aborted when the caller goes away, or is put out. */
  readonly signal: AbortSignal;
}

/** A call that is counted as open until it leaves. */
export interface OpenCall {
  /** Aborted when the caller is put out; its reason is what the caller is told. */
  readonly signal: AbortSignal;
  leave(): void;
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
  /**
   * Counts the call as open. It comes before `authorize`, so that whoever puts a caller out either finds the call here or
   * has it refused there. A stream ends at once; a single answer that is under way is still given. Errors: `RejectedError`.
   */
  enter?(call: AnyCall): OpenCall;
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
  enter(call: AnyCall): OpenCall | undefined;
  /** The handler's result, once the caller has been let in. */
  answer(call: AnyCall, request: unknown, signal: AbortSignal): Promise<unknown>;
  refuse(error: unknown): Partial<StatusObject>;
}

function callAnswerer<S, Caller>(options: ServiceOptions<S, Caller>, method: keyof S & string): CallAnswerer {
  const handler = options.handlers[method] as AnyHandler<Caller>;
  return {
    enter: (call) => options.enter?.(call),
    answer: async (call, request, signal) =>
      handler(request, { caller: await options.authorize(method, call), signal }),
    refuse: (error) => {
      options.onError(method, error);
      return statusOfError(error, options.audience);
    },
  };
}

async function reply(call: AnyCall, callback: sendUnaryData<object>, answerer: CallAnswerer): Promise<void> {
  try {
    const answer = await counted(answerer, call, (signal) => {
      const request = 'request' in call ? call.request : messagesOf(call, signal);
      return answerer.answer(call, request, signal);
    });
    callback(null, answer as object);
  } catch (error) {
    callback(answerer.refuse(error));
  }
}

async function stream(call: Duplex, requests: Duplex | undefined, answerer: CallAnswerer): Promise<void> {
  try {
    await counted(answerer, call, async (signal, putOut) => {
      const request = requests ?? (call as unknown as ServerWritableStream<object, object>).request;
      const answer = await answerer.answer(call, request, signal);
      if (requests === undefined) await sendAll(call, answer as AsyncIterable<object>, signal);
      putOut?.throwIfAborted();
    });
    call.end();
  } catch (error) {
    if (!call.cancelled) call.emit('error', answerer.refuse(error));
  }
}

/** Runs a call while it counts as open. What fails because its caller is put out fails with that reason. */
async function counted<T>(
  answerer: CallAnswerer,
  call: AnyCall,
  run: (signal: AbortSignal, putOut: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const open = answerer.enter(call);
  const gone = signalOf(call);
  try {
    return await run(open === undefined ? gone : AbortSignal.any([gone, open.signal]), open?.signal);
  } catch (error) {
    throw open?.signal.aborted ? open.signal.reason : error;
  } finally {
    open?.leave();
  }
}

/**
 * The messages of a stream as they come, with back-pressure. Not by the stream's own iterator: that destroys the stream when
 * the call is refused, before the reason has left. Errors: those of the stream; an abort.
 */
export async function* messagesOf<T>(stream: EventEmitter, signal?: AbortSignal): AsyncGenerator<T> {
  const options = { close: ['end', 'close'], highWaterMark: 16, lowWaterMark: 8, ...(signal && { signal }) };
  for await (const [message] of on(stream, 'data', options)) yield message as T;
}

/** Sends item by item, waiting whenever the caller is slower; lets go of the source when the caller is gone. */
async function sendAll(call: Duplex, items: AsyncIterable<object>, signal: AbortSignal): Promise<void> {
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
