/**
 * The services of `proto/keyturn/v1` as grpc-js wants them, from the generated descriptor.
 *
 * Every 64-bit number on the wire is a JavaScript number here. A message that holds one beyond the safe integers is
 * refused when it is decoded, and one below zero when it is encoded: nothing is ever rounded. So is a message that sets
 * two fields of which exactly one may be set: readers differ in which one they take.
 */
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON, type PackageDefinition } from '@grpc/proto-loader';
import protobuf from 'protobufjs';

import { RejectedError } from '../errors.ts';
import descriptor from './generated/descriptor.json' with { type: 'json' };
import type { Directive, Report } from './generated/messages.ts';

const CODEC = { keepCase: false, longs: Number, enums: String, defaults: true, oneofs: true } as const;

const root = protobuf.Root.fromJSON(descriptor).resolveAll();

/** Everything, for the reflection service. */
export const packageDefinition: PackageDefinition = fromJSON(descriptor as Parameters<typeof fromJSON>[0], CODEC);

export const enrolmentService = checkedService('keyturn.v1.Enrolment');
export const agentGatewayService = checkedService('keyturn.v1.AgentGateway');
export const operatorService = checkedService('keyturn.v1.Operator');

/** A message to bytes and back, as the stores keep it. */
export interface MessageCodec<T> {
  encode(message: T): Buffer;
  /** Errors: `RejectedError('message-malformed')`. */
  decode(bytes: Uint8Array): T;
}

export const directiveCodec: MessageCodec<Directive> = codecOf('keyturn.v1.Directive');
export const reportCodec: MessageCodec<Report> = codecOf('keyturn.v1.Report');

function codecOf<T>(name: string): MessageCodec<T> {
  const type = root.lookupType(name);
  return {
    encode: (message) => Buffer.from(type.encode(type.fromObject(checkNumbers(message as object))).finish()),
    decode: (bytes) => decodeWith(type, bytes) as T,
  };
}

function decodeWith(type: protobuf.Type, bytes: Uint8Array): object {
  try {
    return checkDecoded(type, type.toObject(type.decode(Buffer.from(bytes)), CODEC));
  } catch (cause) {
    throw new RejectedError('message-malformed', `failed to decode ${type.name}`, { cause });
  }
}

function checkedService(name: string): ServiceDefinition {
  const service = packageDefinition[name] as ServiceDefinition;
  const { methods } = root.lookupService(name);
  return Object.fromEntries(
    Object.entries(service).map(([method, definition]) => {
      const { resolvedRequestType, resolvedResponseType } = methods[method] as protobuf.Method;
      const types = { request: resolvedRequestType as protobuf.Type, response: resolvedResponseType as protobuf.Type };
      return [method, checkedMethod(definition, types)];
    }),
  );
}

function checkedMethod(
  definition: MethodDefinition<object, object>,
  { request, response }: { request: protobuf.Type; response: protobuf.Type },
): MethodDefinition<object, object> {
  const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = definition;
  return {
    ...definition,
    requestSerialize: (message) => requestSerialize(checkNumbers(message)),
    requestDeserialize: (bytes) => checkDecoded(request, requestDeserialize(bytes)),
    responseSerialize: (message) => responseSerialize(checkNumbers(message)),
    responseDeserialize: (bytes) => checkDecoded(response, responseDeserialize(bytes)),
  };
}

function checkDecoded<T extends object>(type: protobuf.Type, message: T): T {
  checkOneofs(type, message);
  return checkNumbers(message);
}

/** Looks into every message inside, too. */
function checkOneofs(type: protobuf.Type, message: object): void {
  for (const { name, oneof } of type.oneofsArray) {
    if (oneof.filter((member) => Object.hasOwn(message, member)).length < 2) continue;
    throw new RejectedError('message-ambiguous', `failed to decode ${type.name}: it sets two of "${name}"`);
  }
  for (const { name, resolvedType } of type.fieldsArray) {
    const value: unknown = Reflect.get(message, name);
    if (!(resolvedType instanceof protobuf.Type) || typeof value !== 'object' || value === null) continue;
    for (const inner of Array.isArray(value) ? value : [value]) checkOneofs(resolvedType, inner);
  }
}

/** Rounding a number beyond the safe integers never gives a safe one, so looking at the result is enough. */
function checkNumbers<T extends object>(message: T): T {
  for (const value of Object.values(message)) {
    if (typeof value === 'number' && !(Number.isSafeInteger(value) && value >= 0)) {
      throw new RejectedError(
        'number-out-of-range',
        `failed to convert a message: expected a safe integer, got ${value}`,
      );
    }
    if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) checkNumbers(value);
  }
  return message;
}
