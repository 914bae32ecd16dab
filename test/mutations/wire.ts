/** Protocol buffers as records on the wire: taken apart, and put together as no encoder would. */
export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
export const GROUP_START = 3;
export const GROUP_END = 4;
export const FIXED32 = 5;

export interface WireRecord {
  readonly number: number;
  readonly wireType: number;
  /** Without the tag, and without the length that a record of that wire type has in front. */
  readonly payload: Buffer;
  readonly whole: Buffer;
}

/** The records of a message that a good encoder made. */
export function readRecords(bytes: Buffer): WireRecord[] {
  const records: WireRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag, afterTag] = readVarint(bytes, at);
    const wireType = Number(tag & 7n);
    const [from, to] = extent(bytes, { wireType, at: afterTag });
    const payload = bytes.subarray(from, to);
    records.push({ number: Number(tag >> 3n), wireType, payload, whole: bytes.subarray(at, to) });
    at = to;
  }
  return records;
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

export function numberRecord(number: number, value: bigint): Buffer {
  return rawRecord(number, VARINT, varint(value));
}

export function bytesRecord(number: number, payload: Uint8Array): Buffer {
  return rawRecord(number, LENGTH, Buffer.concat([varint(BigInt(payload.length)), payload]));
}

/** A tag, and whatever shall stand behind it. */
export function rawRecord(number: number, wireType: number, behind: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt((number << 3) | wireType)), behind]);
}

/** Where in a message: the numbers of the fields on the way, and the how-manieth of each. */
export type WirePath = readonly { readonly number: number; readonly index: number }[];

/** Makes another message of the one at `path`, and everything around it fit. */
export function changeMessage(bytes: Buffer, path: WirePath, change: (message: Buffer) => Buffer): Buffer {
  const [step, ...rest] = path;
  if (step === undefined) return change(bytes);
  let seen = -1;
  const records = readRecords(bytes).map((record) => {
    if (record.number !== step.number) return record.whole;
    seen += 1;
    if (seen !== step.index) return record.whole;
    return bytesRecord(record.number, changeMessage(record.payload, rest, change));
  });
  return Buffer.concat(records);
}

/** Puts records in the place of all that a field has; at the end where it has none. */
export function replaceField(message: Buffer, number: number, replacement: readonly Buffer[]): Buffer {
  const records = readRecords(message);
  const first = records.findIndex((record) => record.number === number);
  const others = records.filter((record) => record.number !== number).map(({ whole }) => whole);
  const at = first < 0 ? others.length : first;
  return Buffer.concat([...others.slice(0, at), ...replacement, ...others.slice(at)]);
}

export function readVarint(bytes: Buffer, from: number): [bigint, number] {
  let value = 0n;
  for (let at = from, shift = 0n; at < bytes.length; at += 1, shift += 7n) {
    const byte = bytes[at] as number;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [value, at + 1];
  }
  throw new RangeError('a varint has no end');
}

function extent(bytes: Buffer, { wireType, at }: { wireType: number; at: number }): [number, number] {
  switch (wireType) {
    case VARINT:
      return [at, readVarint(bytes, at)[1]];
    case LENGTH: {
      const [length, from] = readVarint(bytes, at);
      return [from, from + Number(length)];
    }
    default:
      throw new RangeError(`no encoder of ours writes wire type ${wireType}`);
  }
}
