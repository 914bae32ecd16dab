/**
 * Garbage of bulk: buffers of a megabyte die young, and V8, which counts the small objects that hold them and not the
 * megabytes, lets some seventy of them lie. One collection of the young generation each so many bytes takes a millisecond
 * and gives them back. Where the program was started without `--expose-gc` nothing happens.
 */
const EVERY_BYTES = 16 * 1024 * 1024;

export class YoungGarbage {
  #bytes = 0;

  /** So many bytes have streamed past. */
  passed(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < EVERY_BYTES) return;
    this.#bytes = 0;
    globalThis.gc?.({ type: 'minor', execution: 'sync' });
  }
}
