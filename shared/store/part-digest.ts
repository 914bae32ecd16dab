/** How the digest of a file that arrives in pieces is found. */
import { createHash } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import type { Sha256 } from '../digest.ts';
import { inDiskThread } from './disk-threads/disk-threads.ts';

export interface PartDigest {
  /** `piece` is being written behind what was written before. */
  writing(piece: Uint8Array): void;
  /** So many bytes stand in the file now. */
  written(bytes: number): void;
  /** Of all that was written; to be asked once. Errors: `TransientError`. */
  value(): Promise<Sha256>;
  close(): void;
}

/** Of the bytes that are written, while they are. */
export class StreamedDigest implements PartDigest {
  readonly #hash = createHash('sha256');

  writing(piece: Uint8Array): void {
    this.#hash.update(piece);
  }

  written(): void {}

  async value(): Promise<Sha256> {
    return this.#hash.digest('hex');
  }

  close(): void {}
}

/** A message to a thread wakes it up: not for each piece. */
const TOLD_EVERY_BYTES = 4 * 1024 * 1024;

/** Of the bytes that the file holds, read behind the writer by another thread: for files that keep a processor busy. */
export class DiskDigest implements PartDigest {
  readonly #port;
  readonly #size: number;
  readonly #value: Promise<Sha256>;
  #toldBytes = 0;

  /** The file must stand at `path`, and be `size` bytes long in the end. */
  constructor(path: string, { size, signal }: { size: number; signal: AbortSignal }) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#size = size;
    this.#port.unref();
    this.#value = inDiskThread('hash-growing-file', { path, size, port: port2 }, { signal, transfer: [port2] });
    this.#value.catch(() => undefined); // heard by whoever asks for the value; nobody does when the transfer breaks off
  }

  writing(): void {}

  written(bytes: number): void {
    if (bytes < this.#size && bytes < this.#toldBytes + TOLD_EVERY_BYTES) return;
    this.#toldBytes = bytes;
    this.#port.postMessage(bytes);
  }

  value(): Promise<Sha256> {
    return this.#value;
  }

  close(): void {
    this.#port.close();
  }
}
