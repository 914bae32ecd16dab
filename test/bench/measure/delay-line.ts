/**
 * One direction of a link: what comes in goes out again, in order, a fixed time later. Its bandwidth is not limited; it
 * holds what is under way in memory, and reads on as soon as there is room.
 */

import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** At 10 ms and 1 GB/s there are 10 MB under way. */
const HELD_BYTES = 64 * 1024 * 1024;

interface Held {
  readonly dueAtMs: number;
  /** Undefined is the end. */
  readonly chunk: Buffer | undefined;
}

export class DelayLine {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: number;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #isTimed = false;

  /** `onBytes` hears of everything that comes in. */
  constructor(
    ends: { from: Socket; to: Socket },
    { delayMs, onBytes }: { delayMs: number; onBytes: (count: number) => void },
  ) {
    this.#from = ends.from;
    this.#to = ends.to;
    this.#delayMs = delayMs;
    ends.from.on('data', (chunk) => {
      onBytes(chunk.length);
      this.#take(chunk);
    });
    ends.from.on('end', () => this.#take(undefined));
    ends.to.on('drain', () => this.#goOn());
  }

  #take(chunk: Buffer | undefined): void {
    this.#held.push({ dueAtMs: performance.now() + this.#delayMs, chunk });
    this.#heldBytes += chunk?.length ?? 0;
    if (this.#isFull) this.#from.pause();
    this.#release();
  }

  get #isFull(): boolean {
    return this.#heldBytes + this.#to.writableLength > HELD_BYTES;
  }

  /** Sends what is due, and comes back when the next is. */
  #release(): void {
    const nowMs = performance.now();
    for (let first = this.#held[0]; first !== undefined && first.dueAtMs <= nowMs; first = this.#held[0]) {
      this.#held.shift();
      this.#send(first.chunk);
    }
    const [next] = this.#held;
    if (next === undefined || this.#isTimed) return;
    this.#isTimed = true;
    setTimeout(() => {
      this.#isTimed = false;
      this.#release();
      this.#goOn();
    }, next.dueAtMs - nowMs);
  }

  #send(chunk: Buffer | undefined): void {
    if (chunk === undefined) {
      this.#to.end();
      return;
    }
    this.#heldBytes -= chunk.length;
    if (!this.#to.destroyed) this.#to.write(chunk);
  }

  #goOn(): void {
    if (this.#from.isPaused() && !this.#isFull) this.#from.resume();
  }
}
