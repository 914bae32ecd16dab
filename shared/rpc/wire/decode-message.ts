/**
 * Bytes to a message, as its generated type says: every field that did not come has its empty value, and of a oneof the
 * virtual member says which field came.
 *
 * 1. Numbers are exact or refused; nothing is ever rounded.
 * 2. Where readers of protobuf differ in what they take, nothing is taken: two fields of a oneof, a single field twice, a
 *    field in the form of another type.
 * 3. A field that is not known here is passed over, unless whoever decodes wants to hear of it.
 */
import { RejectedError } from '../../errors.ts';
import { type FieldShape, isNumber, type MessageShape, messageShape } from './message-shape.ts';
import { WIRE_TYPES, WireReader } from './wire-reader.ts';

export type Message = Record<string, unknown>;

/** Hears of a field that is not known here. May throw. */
export type OnUnknown = (message: string, fieldNumber: number) => void;

/** Errors: `RejectedError` with `message-malformed`, `message-ambiguous` or `number-out-of-range`; those of `onUnknown`. */
export function decodeMessage(shape: MessageShape, bytes: Uint8Array, onUnknown: OnUnknown = ignore): Message {
  const message = emptyMessage(shape);
  const seen = new Set<FieldShape>();
  const reader = new WireReader(bytes, shape.name);
  while (!reader.isAtEnd) {
    const { number, wireType } = reader.tag();
    const field = shape.byNumber.get(number);
    if (field === undefined) {
      reader.skip(wireType);
      onUnknown(shape.name, number);
      continue;
    }
    checkForm(shape, field, wireType);
    if (field.isRepeated) {
      readItems(message[field.name] as unknown[], { field, wireType, reader, onUnknown });
    } else {
      checkFirst(shape, field, { message, seen });
      if (field.oneof !== undefined) message[field.oneof] = field.name;
      message[field.name] = readValue(field, reader, onUnknown);
    }
  }
  return message;
}

function ignore(): void {
  // A newer peer may say more.
}

/** Rule 2. Numbers in a row come packed or one by one. */
function checkForm({ name }: MessageShape, field: FieldShape, wireType: number): void {
  if (wireType === field.wireType || (wireType === WIRE_TYPES.sized && isPacked(field))) return;
  throw new RejectedError('message-malformed', `failed to decode ${name}: "${field.name}" is no ${field.kind}`);
}

function isPacked({ isRepeated, kind }: FieldShape): boolean {
  return isRepeated && isNumber(kind);
}

interface Items {
  readonly field: FieldShape;
  readonly wireType: number;
  readonly reader: WireReader;
  readonly onUnknown: OnUnknown;
}

function readItems(items: unknown[], { field, wireType, reader, onUnknown }: Items): void {
  if (!isPacked(field) || wireType !== WIRE_TYPES.sized) {
    items.push(readValue(field, reader, onUnknown));
    return;
  }
  const packed = new WireReader(reader.sized(), field.name);
  while (!packed.isAtEnd) items.push(checkNumber(field, packed.varint()));
}

function readValue(field: FieldShape, reader: WireReader, onUnknown: OnUnknown): unknown {
  switch (field.kind) {
    case 'message':
      return decodeMessage(messageShape(field.messageName), reader.sized(), onUnknown);
    case 'bytes':
      return reader.sized();
    case 'string':
      return reader.text();
    case 'bool':
      return reader.varint() !== 0;
    default:
      return checkNumber(field, reader.varint());
  }
}

/** Rule 2. */
function checkFirst(
  shape: MessageShape,
  field: FieldShape,
  { message, seen }: { message: Message; seen: Set<FieldShape> },
): void {
  const rival = field.oneof === undefined ? undefined : message[field.oneof];
  if (rival !== undefined && rival !== field.name) {
    throw new RejectedError('message-ambiguous', `failed to decode ${shape.name}: it sets two of "${field.oneof}"`);
  }
  if (seen.has(field)) {
    throw new RejectedError('message-ambiguous', `failed to decode ${shape.name}: it sets "${field.name}" twice`);
  }
  seen.add(field);
}

const GREATEST_UINT32 = 0xffff_ffff;

/** Rule 1. Errors: `RejectedError('number-out-of-range')`. */
export function checkNumber({ kind }: FieldShape, value: unknown): number {
  const greatest = kind === 'uint32' ? GREATEST_UINT32 : Number.MAX_SAFE_INTEGER;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= greatest) return value;
  throw new RejectedError('number-out-of-range', `failed to convert a message: expected a safe integer, got ${value}`);
}

function emptyMessage({ fields }: MessageShape): Message {
  const message: Message = {};
  for (const field of fields) if (field.oneof === undefined) message[field.name] = emptyValue(field);
  return message;
}

function emptyValue({ kind, isRepeated }: FieldShape): unknown {
  if (isRepeated) return [];
  if (kind === 'bytes') return Buffer.alloc(0);
  if (kind === 'bool') return false;
  return kind === 'string' ? '' : 0;
}
