import type { Clock, Timer } from '../../shared/time/clock.ts';
import { FakeClock } from '../../shared/time/fake-clock.ts';

/** Longest wait between two tries of an agent whose luck is always worst: 30 s after a refusal, 100 ms otherwise. */
const RETRY_MS = 30_000;

/** A clock that stands still and tells when somebody begins to wait for another try. */
export class RetryClock implements Clock {
  readonly #fake: FakeClock;
  /** Called in the turn after a wait of at most a retry's length has begun. */
  onWaiting: (delayMs: number) => void = () => {};

  constructor(nowMs: number) {
    this.#fake = new FakeClock(nowMs);
  }

  now(): number {
    return this.#fake.now();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = this.#fake.setTimer(delayMs, callback);
    if (delayMs <= RETRY_MS) queueMicrotask(() => this.onWaiting(delayMs));
    return timer;
  }

  /** Lets everybody try again who waits for that. */
  skipRetries(): void {
    const due = this.#fake.pendingMs().filter((ms) => ms <= RETRY_MS);
    this.#fake.advance(due.at(-1) ?? 0);
  }

  advance(byMs: number): void {
    this.#fake.advance(byMs);
  }
}
