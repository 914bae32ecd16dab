/** Writes protobuf's wire format into a buffer of a size that is known before. */
export class WireWriter {
  readonly bytes: Buffer;
  #at = 0;

  constructor(byteCount: number) {
    this.bytes = Buffer.allocUnsafe(byteCount);
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.#at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.#at++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  text(text: string): void {
    this.#at += this.bytes.write(text, this.#at);
  }
}

/** How many bytes `varint` writes. */
export function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) count += 1;
  return count;
}
