/** Reads a stream of chunks by count and by line, in constant memory. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes; undefined where the stream ends in front of the first. Throws where it ends within. */
  async block(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = length;
    for await (const part of this.pieces(length)) {
      parts.push(part);
      missing -= part.length;
    }
    if (missing === length && length > 0) return undefined;
    if (missing > 0) throw new RangeError(`expected ${length} bytes, got ${length - missing}`);
    return Buffer.concat(parts);
  }

  /** The next `length` bytes as they come; fewer where the stream ends. */
  async *pieces(length: number): AsyncIterable<Buffer> {
    for (let missing = length; missing > 0; ) {
      if (this.#rest.length === 0 && !(await this.#refill())) return;
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      yield part;
    }
  }

  /** Up to the next line feed, which is taken and left out. Throws where there is none within `limit` bytes. */
  async line(limit: number): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end !== -1) {
        const line = this.#rest.subarray(0, end).toString('utf8');
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      if (this.#rest.length > limit) throw new RangeError(`expected a line of at most ${limit} bytes`);
      const before = this.#rest;
      this.#rest = Buffer.alloc(0);
      if (!(await this.#refill())) throw new RangeError('expected a line, got the end');
      this.#rest = Buffer.concat([before, this.#rest]);
    }
  }

  async #refill(): Promise<boolean> {
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done) return false;
      if (next.value.byteLength === 0) continue;
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      return true;
    }
  }
}
