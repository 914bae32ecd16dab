import { isUtf8 } from 'node:buffer';
import protobuf from 'protobufjs/minimal.js';
import { messageOf, RejectedError } from '../../errors.ts';

/** How a field stands on the wire; groups, which nobody writes any more, are not among them. */
export const WIRE_TYPES = { varint: 0, fixed64: 1, sized: 2, fixed32: 5 } as const;

const KNOWN_WIRE_TYPES: ReadonlySet<number> = new Set(Object.values(WIRE_TYPES));

/** Of 64 bits: nine bytes of seven bits, and one of the last bit. */
const MOST_VARINT_BYTES = 10;

export interface FieldTag {
  readonly number: number;
  readonly wireType: number;
}

/** Reads protobuf's wire format from front to back. Every error is `RejectedError('message-malformed')`. */
export class WireReader {
  readonly #reader: protobuf.Reader;
  readonly #what: string;

  /** `what` is being read, for messages of errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.#reader = protobuf.Reader.create(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#what = what;
  }

  get isAtEnd(): boolean {
    return this.#reader.pos >= this.#reader.len;
  }

  tag(): FieldTag {
    const tag = this.#tried(() => this.#reader.tag());
    const number = tag >>> 3;
    if (number === 0) throw this.#malformed('it has a field of number 0');
    return { number, wireType: tag & 7 };
  }

  /** Exact below 2^53; what is not below stays so when it is rounded. */
  varint(): number {
    const from = this.#reader.pos;
    const value = Number(this.#tried(() => this.#reader.uint64()));
    const { pos, buf } = this.#reader;
    // The library drops what does not fit.
    if (pos - from === MOST_VARINT_BYTES && (buf[pos - 1] as number) > 1) {
      throw this.#malformed('it has a number of more than 64 bits');
    }
    return value;
  }

  /** A view of the bytes of this reader. */
  sized(): Buffer {
    return this.#tried(() => this.#reader.bytes()) as Buffer;
  }

  text(): string {
    const bytes = this.sized();
    if (isUtf8(bytes)) return bytes.toString('utf8');
    throw this.#malformed('it has a text that is not UTF-8');
  }

  skip(wireType: number): void {
    if (!KNOWN_WIRE_TYPES.has(wireType)) throw this.#malformed(`it has a field of wire type ${wireType}`);
    this.#tried(() => this.#reader.skipType(wireType));
  }

  #tried<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw this.#malformed(messageOf(cause), cause);
    }
  }

  #malformed(reason: string, cause?: unknown): RejectedError {
    return new RejectedError('message-malformed', `failed to decode ${this.#what}: ${reason}`, { cause });
  }
}
