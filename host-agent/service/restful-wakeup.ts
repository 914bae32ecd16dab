import type { Clock } from '../../shared/time/clock.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';

/** Long enough that what comes in a row finds its memory warm. */
export const QUIET_MS = 2_000;

export interface Rest {
  readonly clock: Clock;
  /** Gives memory back; undefined where the program was started without the means. */
  readonly collect: (() => void) | undefined;
}

/**
 * A wakeup whose sleeper gives back what its work left in memory, once it has slept for `QUIET_MS`. V8 collects when it
 * runs short, and an agent that waits for a month never does: it would hold the garbage of its start, or of its last run.
 */
export class RestfulWakeup extends Wakeup {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    super();
    this.#rest = rest;
  }

  override async sleep(signal: AbortSignal): Promise<void> {
    const { clock, collect } = this.#rest;
    if (collect === undefined) return super.sleep(signal);
    const timer = clock.setTimer(QUIET_MS, collect);
    try {
      await super.sleep(signal);
    } finally {
      timer.cancel();
    }
  }
}

/** Collects all that can be, and shrinks the heap to what is left. There is one with the flag `--expose-gc` of Node. */
export function heapCollector(): (() => void) | undefined {
  const { gc } = globalThis;
  return gc && (() => void gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }));
}
