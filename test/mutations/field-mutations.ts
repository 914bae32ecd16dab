/** What can be put in the place of a field, by its type. */
import { type FieldShape, reservedNumbers } from './message-shapes.ts';
import {
  bytesRecord,
  FIXED64,
  GROUP_START,
  LENGTH,
  numberRecord,
  rawRecord,
  readRecords,
  readVarint,
  replaceField,
  VARINT,
  type WireRecord,
} from './wire.ts';

export interface MessageMutation {
  readonly name: string;
  /** The mutated message. */
  readonly bytes: Buffer;
}

/** Payloads that are right elsewhere: of a text, the other run's id; of a message, one of its kind. */
export type OtherPayloads = (field: FieldShape) => readonly Buffer[];

interface Replacement {
  readonly name: string;
  readonly records: readonly Buffer[];
}

/** Mutates one field of a message in every way, the same ways whatever it holds; one may leave it as it is. */
export function fieldMutations(message: Buffer, field: FieldShape, others: OtherPayloads): MessageMutation[] {
  const present = readRecords(message).filter(({ number }) => number === field.number);
  const replacements = [
    ...presence(field, present, others),
    ...(field.isRepeated && present.length > 0 ? order(field, present) : []),
    ...content(field, present[0], others),
  ];
  return replacements.map(({ name, records }) => ({ name, bytes: replaceField(message, field.number, records) }));
}

/** What no field is to blame for: fields that nobody knows, and messages that end too soon. */
export function wholeMutations(message: Buffer, name: string): MessageMutation[] {
  const behind = (label: string, record: Buffer) => ({ name: label, bytes: Buffer.concat([message, record]) });
  return [
    behind('an unknown number', numberRecord(1000, 7n)),
    behind('an unknown text', bytesRecord(1001, Buffer.from('run this'))),
    { name: 'an unknown field in front', bytes: Buffer.concat([numberRecord(1005, 1n), message]) },
    behind('a group that never ends', rawRecord(1002, GROUP_START, Buffer.alloc(0))),
    behind('field number 0', rawRecord(0, VARINT, Buffer.from([1]))),
    behind('a wire type that does not exist', rawRecord(1003, 7, Buffer.from([1]))),
    behind('a length beyond the end', rawRecord(1004, LENGTH, Buffer.from([0xff, 0xff, 0x03]))),
    ...reservedNumbers(name).map((number) =>
      behind(`reserved field ${number}`, bytesRecord(number, bytesRecord(1, Buffer.from('yes')))),
    ),
  ];
}

function presence(field: FieldShape, present: readonly WireRecord[], others: OtherPayloads): Replacement[] {
  const whole = present.map((record) => record.whole);
  const other = others(field).map((payload, index) => ({
    name: `other ${index + 1}`,
    record: recordOf(field, payload),
  }));
  return [
    ...(present.length > 0 ? [{ name: 'absent', records: [] }] : []),
    ...(present.length > 0 ? [{ name: 'as a number of 64 bits', records: [fixed64(field)] }] : []),
    {
      name: field.kind === 'number' || field.kind === 'truth' ? 'as a text' : 'as a number',
      records: [otherType(field)],
    },
    ...other.map(({ name, record }) => ({ name: `${name} alone`, records: [record] })),
    ...(present.length > 0
      ? other.flatMap(({ name, record }) => [
          { name: `${name} in front`, records: [record, ...whole] },
          { name: `${name} behind`, records: [...whole, record] },
        ])
      : []),
  ];
}

function order(field: FieldShape, present: readonly WireRecord[]): Replacement[] {
  const whole = present.map((record) => record.whole);
  return [
    { name: 'the first left out', records: whole.slice(1) },
    { name: 'the last left out', records: whole.slice(0, -1) },
    { name: 'the first twice', records: [whole[0] as Buffer, ...whole] },
    { name: 'in reverse', records: whole.toReversed() },
    { name: 'a thousand times', records: Array.from({ length: 1000 }, () => whole[0] as Buffer) },
    { name: 'an empty one more', records: [...whole, bytesRecord(field.number, Buffer.alloc(0))] },
  ];
}

function content(field: FieldShape, record: WireRecord | undefined, others: OtherPayloads): Replacement[] {
  switch (field.kind) {
    case 'number':
      return numbers(field, record === undefined ? 0n : readVarint(record.payload, 0)[0]);
    case 'truth':
      return truths(field);
    case 'text':
      return texts(field, record?.payload.toString('utf8') ?? others(field)[0]?.toString('utf8') ?? 'text');
    case 'bytes':
      return record === undefined ? [] : byteStrings(field, record.payload);
    case 'message':
      return record === undefined ? [] : messages(field, record.payload);
  }
}

function numbers({ number }: FieldShape, honest: bigint): Replacement[] {
  const values = {
    '0': 0n,
    'one more': honest + 1n,
    'two more': honest + 2n,
    'one less': honest - 1n,
    '2^31': 2n ** 31n,
    '2^32 more': 2n ** 32n + honest,
    '2^53 - 1': 2n ** 53n - 1n,
    '2^53': 2n ** 53n,
    '2^53 more': 2n ** 53n + honest,
    '2^63': 2n ** 63n,
    '2^63 more': 2n ** 63n + honest,
    '2^64 - 1': 2n ** 64n - 1n,
  };
  return [
    ...Object.entries(values).map(([name, value]) => ({ name, records: [numberRecord(number, value)] })),
    { name: 'eleven bytes long', records: [rawRecord(number, VARINT, Buffer.from([...Array(10).fill(0x81), 1]))] },
    { name: 'without an end', records: [rawRecord(number, VARINT, Buffer.alloc(12, 0xff))] },
    { name: 'spelt longer than needed', records: [rawRecord(number, VARINT, overlong(honest))] },
  ];
}

function truths({ number }: FieldShape): Replacement[] {
  return [
    { name: 'false', records: [numberRecord(number, 0n)] },
    { name: 'true', records: [numberRecord(number, 1n)] },
    { name: '2', records: [numberRecord(number, 2n)] },
    { name: 'a huge number', records: [numberRecord(number, 2n ** 64n - 1n)] },
  ];
}

function texts({ number }: FieldShape, honest: string): Replacement[] {
  const row = (name: string, text: string | Buffer) => ({ name, records: [bytesRecord(number, Buffer.from(text))] });
  return [
    row('empty', ''),
    row('in upper case', honest.toUpperCase()),
    row('in lower case', honest.toLowerCase()),
    row('NUL behind', `${honest}\0`),
    row('NUL in front', `\0${honest}`),
    row('a space behind', `${honest} `),
    row('a line end behind', `${honest}\n`),
    row('../ in front', `../${honest}`),
    row('/ in front', `/${honest}`),
    row('/../.. behind', `${honest}/../..`),
    row('shorter by one', honest.slice(0, -1)),
    row('longer by one', `${honest}0`),
    row('one character changed', flipCharacter(honest)),
    row('very long', honest.padEnd(70_000, 'a')),
    row('not UTF-8 behind', Buffer.concat([Buffer.from(honest), Buffer.from([0xff])])),
    row('a surrogate behind', Buffer.concat([Buffer.from(honest), Buffer.from([0xed, 0xa0, 0x80])])),
    row('spelt too long in UTF-8', Buffer.concat([Buffer.from([0xc0, 0xae]), Buffer.from(honest)])),
    row('a right-to-left mark in front', `\u202e${honest}`),
    row(
      'full-width letters',
      honest.replace(/[0-9a-z]/gi, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0)),
    ),
    row('__proto__', '__proto__'),
    row('constructor', 'constructor'),
  ];
}

function byteStrings({ number }: FieldShape, honest: Buffer): Replacement[] {
  const row = (name: string, bytes: Buffer) => ({ name, records: [bytesRecord(number, bytes)] });
  const offsets = [0, 1, honest.length >> 2, honest.length >> 1, honest.length - 2, honest.length - 1];
  const flips = [...new Set(offsets)].filter((at) => at >= 0 && at < honest.length);
  return [
    ...flips.map((at) => row(`a bit at ${at}`, flipBit(honest, at))),
    row('empty', Buffer.alloc(0)),
    row('one byte', honest.subarray(0, 1)),
    row('shorter by one', honest.subarray(0, -1)),
    row('without the first byte', honest.subarray(1)),
    row('half', honest.subarray(0, honest.length >> 1)),
    row('longer by one', Buffer.concat([honest, Buffer.from([0])])),
    row('a line end behind', Buffer.concat([honest, Buffer.from('\n')])),
    row('twice in one', Buffer.concat([honest, honest])),
    row('in reverse', Buffer.from(honest).reverse()),
    row('zeros', Buffer.alloc(honest.length)),
    row('very long', Buffer.concat([honest, Buffer.alloc(3 * 1024 * 1024, 0x20)])),
    row('over the limit of a message', Buffer.alloc(5 * 1024 * 1024, 0x20)),
  ];
}

function messages({ number }: FieldShape, honest: Buffer): Replacement[] {
  const row = (name: string, bytes: Buffer) => ({ name, records: [bytesRecord(number, bytes)] });
  const whole = bytesRecord(number, honest);
  return [
    row('empty', Buffer.alloc(0)),
    { name: 'twice', records: [whole, whole] },
    ...(honest.length > 0 ? [row('cut off', honest.subarray(0, -1))] : []),
    row('noise', Buffer.from([0xff, 0xff, 0xff, 0xff])),
  ];
}

function recordOf(field: FieldShape, payload: Buffer): Buffer {
  if (field.kind === 'number' || field.kind === 'truth') return rawRecord(field.number, VARINT, payload);
  return bytesRecord(field.number, payload);
}

function fixed64({ number }: FieldShape): Buffer {
  return rawRecord(number, FIXED64, Buffer.alloc(8, 1));
}

function otherType({ number, kind }: FieldShape): Buffer {
  if (kind === 'number' || kind === 'truth') return bytesRecord(number, Buffer.from('1'));
  return numberRecord(number, 1n);
}

function overlong(value: bigint): Buffer {
  const seven = [0n, 7n, 14n, 21n, 28n].map((shift) => Number((value >> shift) & 127n) | 128);
  return Buffer.from([...seven, 0]);
}

export function flipBit(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[at] = (flipped[at] as number) ^ 1;
  return flipped;
}

function flipCharacter(text: string): string {
  const at = text.length >> 1;
  return `${text.slice(0, at)}${text[at] === 'a' ? 'b' : 'a'}${text.slice(at + 1)}`;
}
