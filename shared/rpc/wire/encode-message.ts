/**
 * A message to bytes, always the same for the same message: fields by number, those with an empty value left out, save in
 * a oneof, where even an empty one says which it is. Its size is counted first, so what is large is copied once.
 */
import { checkNumber } from './decode-message.ts';
import { type FieldShape, isNumber, type MessageShape, messageShape } from './message-shape.ts';
import { WIRE_TYPES } from './wire-reader.ts';
import { varintBytes, WireWriter } from './wire-writer.ts';

/** Errors: `RejectedError('number-out-of-range')`; throws `TypeError` for a value of another type than its field's. */
export function encodeMessage(shape: MessageShape, message: object): Buffer {
  const writer = new WireWriter(messageBytes(shape, message));
  writeMessage(shape, message, writer);
  return writer.bytes;
}

function messageBytes(shape: MessageShape, message: object): number {
  let count = 0;
  for (const field of shape.fields) {
    const values = sentValues(field, message);
    const head = varintBytes(field.number * 8);
    if (values.length > 0 && isPacked(field)) count += head + withLength(packedBytes(field, values));
    else for (const value of values) count += head + valueBytes(field, value);
  }
  return count;
}

function writeMessage(shape: MessageShape, message: object, writer: WireWriter): void {
  for (const field of shape.fields) {
    const values = sentValues(field, message);
    if (values.length > 0 && isPacked(field)) writePacked(field, values as readonly number[], writer);
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

function packedBytes(field: FieldShape, values: readonly unknown[]): number {
  return values.reduce<number>((sum, value) => sum + varintBytes(checkNumber(field, value)), 0);
}

function withLength(byteCount: number): number {
  return varintBytes(byteCount) + byteCount;
}

function valueBytes(field: FieldShape, value: unknown): number {
  switch (field.kind) {
    case 'message':
      return withLength(messageBytes(messageShape(field.messageName), value as object));
    case 'bytes':
      return withLength((value as Uint8Array).length);
    case 'string':
      return withLength(Buffer.byteLength(value as string));
    case 'bool':
      return 1;
    default:
      return varintBytes(checkNumber(field, value));
  }
}

function writePacked(field: FieldShape, values: readonly number[], writer: WireWriter): void {
  writer.varint(field.number * 8 + WIRE_TYPES.sized);
  writer.varint(packedBytes(field, values));
  for (const value of values) writer.varint(value);
}

function writeValue(field: FieldShape, value: unknown, writer: WireWriter): void {
  writer.varint(field.number * 8 + field.wireType);
  switch (field.kind) {
    case 'message': {
      const shape = messageShape(field.messageName);
      writer.varint(messageBytes(shape, value as object));
      writeMessage(shape, value as object, writer);
      return;
    }
    case 'bytes':
      writer.varint((value as Uint8Array).length);
      writer.raw(value as Uint8Array);
      return;
    case 'string':
      writer.varint(Buffer.byteLength(value as string));
      writer.text(value as string);
      return;
    default:
      writer.varint(Number(value));
  }
}
