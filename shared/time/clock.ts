/** A thing that happens later, unless it is cancelled. Cancelling twice, or too late, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Where the time comes from: given to whatever needs it, so that tests advance it by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `callback` once, `delayMs` from now (at once in the next turn for 0 or less). */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/** Node fires a longer timer at once, so a longer wait is cut into such pieces. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer: (delayMs, callback) => {
    let pending: NodeJS.Timeout;
    const wait = (restMs: number): void => {
      const nowMs = Math.min(restMs, LONGEST_TIMER_MS);
      pending = setTimeout(() => (restMs > nowMs ? wait(restMs - nowMs) : callback()), nowMs);
    };
    wait(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(pending) };
  },
};

/** Resolves after `delayMs`, or at once when the signal is aborted; never rejects. */
export function waitFor(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.setTimer(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
