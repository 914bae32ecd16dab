/**
 * A message to bytes, always the same for the same message: fields by number, those with an empty value left out, save in
 * a oneof, where even an empty one says which it is.
 */
import protobuf from 'protobufjs/minimal.js';
import { checkNumber } from './decode-message.ts';
import { lenderOf, withHead } from './lent-bytes.ts';
import { type FieldShape, isNumber, type MessageShape, messageShape } from './message-shape.ts';
import { WIRE_TYPES } from './wire-reader.ts';

/** Errors: `RejectedError('number-out-of-range')`; throws `TypeError` for a value of another type than its field's. */
export function encodeMessage(shape: MessageShape, message: object): Buffer {
  return encodeAroundLent(shape, message) ?? encodeWhole(shape, message);
}

/** Where the last field is lent bytes, they stay where they are, see `lent-bytes.ts`. */
function encodeAroundLent(shape: MessageShape, message: object): Buffer | undefined {
  const sent = shape.fields.filter((field) => sentValues(field, message).length > 0);
  const last = sent.at(-1);
  const lent: unknown = last?.kind === 'bytes' ? Reflect.get(message, last.name) : undefined;
  const lender = lent instanceof Uint8Array ? lenderOf(lent) : undefined;
  if (last === undefined || lender === undefined || !(lent instanceof Uint8Array)) return undefined;
  const writer = protobuf.Writer.create();
  writeFields(sent.slice(0, -1), message, writer);
  const head = writer
    .uint32(last.number * 8 + last.wireType)
    .uint32(lent.length)
    .finish();
  queueMicrotask(() => lender.giveBack(lent));
  return withHead(head, lent);
}

function encodeWhole(shape: MessageShape, message: object): Buffer {
  const writer = protobuf.Writer.create();
  writeFields(shape.fields, message, writer);
  const bytes = writer.finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeFields(fields: readonly FieldShape[], message: object, writer: protobuf.Writer): void {
  for (const field of fields) {
    const values = sentValues(field, message);
    if (values.length > 0 && isPacked(field)) writePacked(field, values, writer);
    else for (const value of values) writeValue(field, value, writer);
  }
}

/** None, one, or all the items of a repeated field. */
function sentValues(field: FieldShape, message: object): readonly unknown[] {
  const value: unknown = Reflect.get(message, field.name);
  if (value === undefined || value === null) return [];
  if (field.isRepeated) return value as readonly unknown[];
  return field.oneof === undefined && isEmpty(value) ? [] : [value];
}

function isEmpty(value: unknown): boolean {
  return value === 0 || value === false || value === '' || (value instanceof Uint8Array && value.length === 0);
}

function isPacked({ isRepeated, kind }: FieldShape): boolean {
  return isRepeated && isNumber(kind);
}

function writePacked(field: FieldShape, values: readonly unknown[], writer: protobuf.Writer): void {
  writer.uint32(field.number * 8 + WIRE_TYPES.sized).fork();
  for (const value of values) writer.uint64(checkNumber(field, value));
  writer.ldelim();
}

function writeValue(field: FieldShape, value: unknown, writer: protobuf.Writer): void {
  writer.uint32(field.number * 8 + field.wireType);
  switch (field.kind) {
    case 'message':
      writeFields(messageShape(field.messageName).fields, value as object, writer.fork());
      writer.ldelim();
      return;
    case 'bytes':
      writer.bytes(asBytes(value));
      return;
    case 'string':
      writer.string(asText(value));
      return;
    case 'bool':
      writer.bool(Boolean(value));
      return;
    default:
      writer.uint64(checkNumber(field, value));
  }
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`expected bytes, got ${typeof value}`);
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`expected a string, got ${typeof value}`);
}
