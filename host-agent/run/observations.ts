/**
 * Observes the checks of a gate: those that bear company side by side and ahead of their turn, the others alone.
 *
 * 1. What was observed ahead is evidence only in its turn: the ledger keeps the plan's order, and what was not recorded is
 *    observed again after a crash.
 * 2. A check that must be alone begins in its turn, when all that began before it have ended; none begins beside it.
 * 3. They are begun in the plan's order, at most `atOnce` at a time.
 * 4. None outlives the drive that began it, except one that does not hear that it shall end.
 */
import type { PlannedCheck } from '../../shared/ledger/planned-checks.ts';
import { type Clock, waitFor } from '../../shared/time/clock.ts';
import type { Observed } from '../checks/run-check.ts';

export interface ObservationsOptions {
  readonly observe: (check: PlannedCheck, signal: AbortSignal) => Promise<Observed>;
  readonly bearsCompany: (check: PlannedCheck) => boolean;
  /** How many may be under way. */
  readonly atOnce: number;
  readonly clock: Clock;
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal;
}

/** What a check gets to end by itself: to kill its process, to put a rehearsed tree back. */
export const STOP_GRACE_MS = 3_000;

interface Observation {
  readonly evidence: Promise<Observed>;
  isOver: boolean;
}

export class Observations implements AsyncDisposable {
  readonly #options: ObservationsOptions;
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;
  readonly #begun = new Map<string, Observation>();
  /** Those of the gate that were not taken yet, in the plan's order. */
  #checks: readonly PlannedCheck[] = [];

  constructor(options: ObservationsOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#ending.signal]);
  }

  /** Whether the check's turn would not have to wait for it. */
  isOver({ id }: PlannedCheck): boolean {
    return this.#begun.get(id)?.isOver === true;
  }

  /**
   * The evidence of the first of `checks`, whose turn it is; the others are what is left of its gate. Rejects when the agent
   * stops, and with what the observation itself fails with.
   */
  async take(checks: readonly PlannedCheck[]): Promise<Observed> {
    const [first] = checks;
    if (!first) throw new Error('expected a check to observe');
    this.#checks = checks;
    this.#beginNext();
    const observation = this.#begun.get(first.id);
    if (!observation) throw new Error(`check "${first.id}" could not begin in its turn`);
    const evidence = await orStop(observation.evidence, this.#options.signal);
    this.#begun.delete(first.id);
    this.#checks = checks.slice(1);
    return evidence;
  }

  /** Ends those that are under way, and waits for them; for one that does not hear it, no longer than the grace. // 4 */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#checks = [];
    const running = [...this.#begun.values()].filter(({ isOver }) => !isOver).map(({ evidence }) => evidence);
    if (running.length === 0) return;
    this.#ending.abort(new Error('the run does not go on'));
    const ended = new AbortController();
    const all = Promise.allSettled(running).finally(() => ended.abort());
    await Promise.race([all, waitFor(this.#options.clock, STOP_GRACE_MS, ended.signal)]);
  }

  #beginNext(): void {
    const { atOnce, bearsCompany } = this.#options;
    for (const [index, check] of this.#checks.entries()) {
      const observation = this.#begun.get(check.id);
      const mustBeAlone = !bearsCompany(check);
      if (!observation) {
        const others = this.#runningCount();
        if (mustBeAlone ? index > 0 || others > 0 : others >= atOnce) return; // 2, 3
        this.#begin(check);
      }
      if (mustBeAlone && !observation?.isOver) return; // 2
    }
  }

  #begin(check: PlannedCheck): void {
    const observation: Observation = { evidence: this.#options.observe(check, this.#signal), isOver: false };
    this.#begun.set(check.id, observation);
    const over = (): void => {
      observation.isOver = true;
      if (!this.#signal.aborted) this.#beginNext();
    };
    // Whether it failed is heard in its turn.
    observation.evidence.then(over, over);
  }

  #runningCount(): number {
    return [...this.#begun.values()].filter(({ isOver }) => !isOver).length;
  }
}

/** Rejects with the signal's reason as soon as it is aborted. */
async function orStop<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
