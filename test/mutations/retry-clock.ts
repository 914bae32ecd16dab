import { backoffMs, longBackoffMs } from '../../host-agent/link/backoff.ts';
import { TICK_MS } from '../../host-agent/orders/keep-open.ts';
import type { Clock, Timer } from '../../shared/time/clock.ts';
import { FakeClock } from '../../shared/time/fake-clock.ts';

/** With this luck an agent waits as long for another try, after a loss or a refusal, as it waits for nothing else. */
export const LUCK = 0.001;
const RETRY_WAITS_MS = [backoffMs(1, () => LUCK), longBackoffMs(() => LUCK)];
const HEARTBEAT_MS = 30_000;
/** Before an order is tried again. */
const ORDER_RETRY_MS = backoffMs(1, () => LUCK);

/**
 * A clock that stands still. Waits for another try are kept apart: a test hears of them, and ends them when it likes,
 * without a heartbeat or a timeout becoming due.
 */
export class RetryClock implements Clock {
  readonly #fake: FakeClock;
  readonly #retries = new Set<() => void>();
  readonly #looks = new Set<() => void>();
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
    if (delayMs === TICK_MS) return this.#keep(callback, { among: this.#looks, tell: () => this.onTimer() });
    if (!RETRY_WAITS_MS.includes(delayMs)) {
      if (delayMs !== HEARTBEAT_MS) queueMicrotask(() => this.onTimer());
      return this.#fake.setTimer(delayMs, callback);
    }
    return this.#keep(callback, { among: this.#retries, tell: () => this.onWaiting() });
  }

  /** Lets everybody try again who waits for that. */
  endWaits(): void {
    const waiting = [...this.#retries];
    this.#retries.clear();
    for (const callback of waiting) callback();
  }

  /** Lets whoever looks once a second do so, at a time at which an order may be tried again. */
  endLooks(): void {
    if (this.#looks.size === 0) return;
    const looking = [...this.#looks];
    this.#looks.clear();
    this.#fake.advance(ORDER_RETRY_MS);
    for (const callback of looking) callback();
  }

  /** Fires what is due by now. */
  endDue(): void {
    this.#fake.advance(0);
  }

  #keep(callback: () => void, { among, tell }: { among: Set<() => void>; tell: () => void }): Timer {
    among.add(callback);
    queueMicrotask(tell);
    return { cancel: () => among.delete(callback) };
  }
}
