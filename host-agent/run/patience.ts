/**
 * How long an effect is tried that only the world is in the way of. It is lost after `limitMs` in which nothing arrived:
 * since the first failure in a row, or since the last byte, when the source just says nothing.
 */
import { TransientError } from '../../shared/errors.ts';
import type { Clock, Timer } from '../../shared/time/clock.ts';

export interface PatienceOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Aborted when the agent stops. */
  readonly stopping: AbortSignal;
}

export class Patience implements Disposable {
  /** Aborted when the agent stops, or with a `TransientError` when patience is lost in the middle of a try. */
  readonly signal: AbortSignal;
  readonly #options: PatienceOptions;
  readonly #lost = new AbortController();
  #timer: Timer | undefined;
  #failingSince: number | undefined;
  #attempt = 0;
  #mostBytes = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.signal = AbortSignal.any([options.stopping, this.#lost.signal]);
  }

  /** From here on a silence counts, whether or not a try fails. */
  watch(): void {
    const { clock, limitMs } = this.#options;
    this.#timer ??= clock.setTimer(limitMs, () =>
      this.#lost.abort(new TransientError(`nothing arrived for ${limitMs} ms`)),
    );
  }

  /**
   * So many bytes are there. More than ever before is progress: what failed before does not count any more, and the
   * silence begins anew.
   */
  arrived(doneBytes: number): void {
    if (doneBytes <= this.#mostBytes) return;
    this.#mostBytes = doneBytes;
    this.#failingSince = undefined;
    this.#attempt = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.watch();
  }

  /** A try failed. Returns how many did so in a row before it, or that patience is lost. */
  failed(): number | 'lost' {
    const now = this.#options.clock.now();
    this.#failingSince ??= now;
    if (this.#lost.signal.aborted || now - this.#failingSince >= this.#options.limitMs) return 'lost';
    return this.#attempt++;
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }
}
