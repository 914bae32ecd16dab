import { isUtf8 } from 'node:buffer';
import { RejectedError } from '../../errors.ts';

/** How a field stands on the wire; groups, which nobody writes any more, are not among them. */
export const WIRE_TYPES = { varint: 0, fixed64: 1, sized: 2, fixed32: 5 } as const;

/** Of 64 bits: nine bytes of seven bits, and one of the last bit. */
const VARINT_BYTES = 10;

export interface FieldTag {
  readonly number: number;
  readonly wireType: number;
}

/** Reads protobuf's wire format from front to back. Every error is `RejectedError('message-malformed')`. */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  /** `what` is being read, for messages of errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  tag(): FieldTag {
    const tag = this.varint();
    const number = Math.floor(tag / 8);
    if (tag > 0xffff_ffff || number === 0) throw this.#malformed(`it has a field of number ${number}`);
    return { number, wireType: tag % 8 };
  }

  /** Exact below 2^53; what is not below stays so when it is rounded. */
  varint(): number {
    let value = 0;
    for (let index = 0, scale = 1; index < VARINT_BYTES; index += 1, scale *= 128) {
      const byte = this.#byte();
      if (index === VARINT_BYTES - 1 && byte > 1) break;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw this.#malformed('it has a number of more than 64 bits');
  }

  /** A view of the bytes of this reader. */
  sized(): Buffer {
    return this.#take(this.varint());
  }

  text(): string {
    const bytes = this.sized();
    if (isUtf8(bytes)) return bytes.toString('utf8');
    throw this.#malformed('it has a text that is not UTF-8');
  }

  skip(wireType: number): void {
    if (wireType === WIRE_TYPES.varint) this.varint();
    else if (wireType === WIRE_TYPES.fixed64) this.#take(8);
    else if (wireType === WIRE_TYPES.sized) this.sized();
    else if (wireType === WIRE_TYPES.fixed32) this.#take(4);
    else throw this.#malformed(`it has a field of wire type ${wireType}`);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.#malformed('it ends in the middle of a field');
    this.#at += 1;
    return byte;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw this.#malformed('it ends in the middle of a field');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  #malformed(reason: string): RejectedError {
    return new RejectedError('message-malformed', `failed to decode ${this.#what}: ${reason}`);
  }
}
