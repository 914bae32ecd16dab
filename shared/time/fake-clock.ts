import type { Clock, Timer } from './clock.ts';

/** A clock for tests: it stands still until it is advanced, and then fires what is due, in order. */
export class FakeClock implements Clock {
  #nowMs: number;
  #timers: { dueAt: number; callback: () => void }[] = [];
  #watchers: { count: number; resolve: () => void }[] = [];

  constructor(nowMs: number = Date.parse('2026-11-22T10:00:00.000Z')) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueAt: this.#nowMs + Math.max(0, delayMs), callback };
    this.#timers.push(timer);
    this.#tellWatchers();
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Moves on by `byMs`, firing what falls due on the way, each at its own instant. */
  advance(byMs: number): void {
    const until = this.#nowMs + byMs;
    for (let next = this.#nextDue(until); next !== undefined; next = this.#nextDue(until)) {
      const due = next;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = Math.max(this.#nowMs, due.dueAt);
      due.callback();
    }
    this.#nowMs = until;
  }

  /** How long each pending timer has to go, shortest first. */
  pendingMs(): number[] {
    return this.#timers.map(({ dueAt }) => dueAt - this.#nowMs).sort((a, b) => a - b);
  }

  /** Resolves once at least `count` timers are pending: how a test awaits that somebody waits. */
  whenPending(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#watchers.push({ count, resolve });
      this.#tellWatchers();
    });
  }

  #nextDue(until: number): { dueAt: number; callback: () => void } | undefined {
    const due = this.#timers.filter(({ dueAt }) => dueAt <= until);
    return due.reduce<(typeof due)[number] | undefined>(
      (first, timer) => (first && first.dueAt <= timer.dueAt ? first : timer),
      undefined,
    );
  }

  #tellWatchers(): void {
    const content = this.#watchers.filter(({ count }) => count <= this.#timers.length);
    this.#watchers = this.#watchers.filter(({ count }) => count > this.#timers.length);
    for (const { resolve } of content) resolve();
  }
}
