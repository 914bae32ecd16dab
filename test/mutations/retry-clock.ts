import { backoffMs, longBackoffMs } from '../../host-agent/link/backoff.ts';
import type { Clock, Timer } from '../../shared/time/clock.ts';
import { FakeClock } from '../../shared/time/fake-clock.ts';

/** With this luck an agent waits as long for another try, after a loss or a refusal, as it waits for nothing else. */
export const LUCK = 0.001;
const RETRY_WAITS_MS = [backoffMs(1, () => LUCK), longBackoffMs(() => LUCK)];
const HEARTBEAT_MS = 30_000;

/**
 * A clock that stands still. Waits for another try are kept apart: a test hears of them, and ends them when it likes,
 * without a heartbeat or a timeout becoming due.
 */
export class RetryClock implements Clock {
  readonly #fake: FakeClock;
  readonly #retries = new Set<() => void>();
  /** Called in the turn after a wait for another try has begun. */
  onWaiting: () => void = () => {};
  /** Called when any other timer but a heartbeat's is set. */
  onTimer: () => void = () => {};

  constructor(nowMs: number) {
    this.#fake = new FakeClock(nowMs);
  }

  now(): number {
    return this.#fake.now();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (!RETRY_WAITS_MS.includes(delayMs)) {
      if (delayMs !== HEARTBEAT_MS) queueMicrotask(() => this.onTimer());
      return this.#fake.setTimer(delayMs, callback);
    }
    this.#retries.add(callback);
    queueMicrotask(() => this.onWaiting());
    return { cancel: () => this.#retries.delete(callback) };
  }

  /** Lets everybody try again who waits for that. */
  endWaits(): void {
    const waiting = [...this.#retries];
    this.#retries.clear();
    for (const callback of waiting) callback();
  }

  /** Fires what is due by now. */
  endDue(): void {
    this.#fake.advance(0);
  }
}
