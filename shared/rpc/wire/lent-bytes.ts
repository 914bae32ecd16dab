/**
 * Buffers for large messages, used again and again: fresh memory has to be cleared, mapped and given back by the kernel,
 * which costs a sender of bulk more than the encryption.
 *
 * 1. A message whose last field is lent bytes is encoded where they lie: what stands before them goes into the room that
 *    each buffer has there.
 * 2. The encoded bytes hold until the current task ends, which is when gRPC has copied them into its frame; then the
 *    buffer is free to be lent again. One that is never sent is garbage like any other.
 */

/** More than a message needs for a few fields; one with hundreds of them is copied instead. */
const ROOM_BYTES = 512;

const owners = new WeakMap<Uint8Array, LentBytes>();

export class LentBytes {
  readonly #length: number;
  readonly #free: Buffer[] = [];
  readonly #keptCount: number;

  /** Lends buffers of at most `length` bytes, and keeps so many of those that came back. */
  constructor(length: number, keptCount: number) {
    this.#length = length;
    this.#keptCount = keptCount;
  }

  /** Not cleared. */
  lend(length: number): Buffer {
    if (length > this.#length) return Buffer.allocUnsafeSlow(length);
    const whole = this.#free.pop() ?? Buffer.allocUnsafeSlow(ROOM_BYTES + this.#length);
    const lent = whole.subarray(ROOM_BYTES, ROOM_BYTES + length);
    owners.set(lent, this);
    return lent;
  }

  /** To be called by the last who reads them; of bytes that are not lent, or came back already, nothing happens. */
  giveBack(lent: Uint8Array): void {
    if (owners.get(lent) !== this) return;
    owners.delete(lent);
    if (this.#free.length < this.#keptCount) this.#free.push(Buffer.from(lent.buffer));
  }
}

/** The owner of bytes that were lent and have not come back. */
export function lenderOf(bytes: Uint8Array): LentBytes | undefined {
  return owners.get(bytes);
}

/** `head` and `lent` as one, without copying `lent`; undefined where there is no room for that. */
export function withHead(head: Uint8Array, lent: Uint8Array): Buffer | undefined {
  const from = lent.byteOffset - head.length;
  if (from < 0) return undefined;
  const whole = Buffer.from(lent.buffer, from, head.length + lent.length);
  whole.set(head);
  return whole;
}
