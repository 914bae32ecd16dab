/**
 * The services of `proto/keyturn/v1` as grpc-js wants them, and the messages that are stored.
 *
 * They are read and written by tables (`wire/`), made from the generated descriptor message by message as they are
 * needed, with protobufjs's reader and writer: an agent that waits has the messages of its session in memory, and not
 * what could read any schema.
 */
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

import { RejectedError } from '../errors.ts';
import type { Directive, Report } from './generated/messages.ts';
import { decodeMessage, type OnUnknown } from './wire/decode-message.ts';
import { encodeMessage } from './wire/encode-message.ts';
import { type MethodShape, messageShape, methodShapes, PACKAGE } from './wire/message-shape.ts';
import { WIRE_TYPES, WireReader } from './wire/wire-reader.ts';

export const enrolmentService = serviceOf('Enrolment');
export const agentGatewayService = serviceOf('AgentGateway');
export const operatorService = serviceOf('Operator');

/** A message to bytes and back, as the stores keep it. */
export interface MessageCodec<T> {
  encode(message: T): Buffer;
  /** Errors: `RejectedError` with `message-malformed`, `message-ambiguous` or `number-out-of-range`. */
  decode(bytes: Uint8Array): T;
}

/**
 * A directive is understood to its last field, or not at all (S14): what an older agent does not know may be what matters.
 * Errors of `decode`: `directive-field-unknown` as well.
 */
export const directiveCodec: MessageCodec<Directive> = codecOf('Directive', refuseUnknown);
export const reportCodec: MessageCodec<Report> = codecOf('Report');

/**
 * The directive in a message to a host, byte for byte; undefined when it has none. A decoder drops what it does not know.
 * Errors: `RejectedError('message-malformed')`.
 */
export function directiveIn(message: Uint8Array): Buffer | undefined {
  const { fields } = messageShape('ControlToAgent');
  const directive = fields.find(({ name }) => name === 'directive')?.number;
  const reader = new WireReader(message, 'ControlToAgent');
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    if (number === directive && wireType === WIRE_TYPES.sized) return Buffer.from(reader.sized());
    reader.skip(wireType);
  }
  return undefined;
}

function codecOf<T>(name: string, onUnknown?: OnUnknown): MessageCodec<T> {
  return {
    encode: (message) => encodeMessage(messageShape(name), message as object),
    decode: (bytes) => decodeMessage(messageShape(name), bytes, onUnknown) as T,
  };
}

function refuseUnknown(message: string, fieldNumber: number): never {
  throw new RejectedError(
    'directive-field-unknown',
    `failed to decode ${message}: field ${fieldNumber} is not known here`,
    { hint: 'the control plane may be newer than this agent: update the agent' },
  );
}

function serviceOf(service: string): ServiceDefinition {
  return Object.fromEntries(methodShapes(service).map((method) => [method.name, methodOf(service, method)]));
}

function methodOf(service: string, method: MethodShape): MethodDefinition<object, object> {
  const request = codecOf<object>(method.request);
  const response = codecOf<object>(method.response);
  return {
    path: `/${PACKAGE}.${service}/${method.name}`,
    requestStream: method.isRequestStream,
    responseStream: method.isResponseStream,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
    originalName: `${method.name.charAt(0).toLowerCase()}${method.name.slice(1)}`,
  };
}
