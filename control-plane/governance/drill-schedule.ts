/** Refusal drills by themselves: every application that orders were signed for, on every host that is connected. */
import type { Timer } from '../../shared/time/clock.ts';
import type { OperatorContext } from '../operator/operator-context.ts';
import { drilledApps, listDrillRecords } from '../store/drills.ts';
import { startDrill } from './refusal-drill.ts';

export class DrillSchedule implements Disposable {
  readonly #context: OperatorContext;
  readonly #everyMs: number;
  #timer: Timer | undefined;
  #isOver = false;

  /** Begins to count at once, from the last drill that there was: a restart neither repeats one nor puts it off. */
  constructor(context: OperatorContext, everyMs: number) {
    this.#context = context;
    this.#everyMs = everyMs;
    void this.#wait();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  async #wait(): Promise<void> {
    const { store, clock } = this.#context;
    const [last] = await this.#tried(() => listDrillRecords(store, 1), []);
    const dueMs = last === undefined ? this.#everyMs : last.started_at + this.#everyMs - clock.now();
    if (!this.#isOver) this.#timer = clock.setTimer(Math.max(0, dueMs), () => void this.#drill());
  }

  async #drill(): Promise<void> {
    const { store, clock } = this.#context;
    for (const app of await this.#tried(() => drilledApps(store), [])) {
      if (this.#isOver) return;
      await this.#tried(() => startDrill(this.#context, { app, hosts: [] }), undefined);
    }
    if (!this.#isOver) this.#timer = clock.setTimer(this.#everyMs, () => void this.#drill());
  }

  async #tried<T>(action: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await action();
    } catch (error) {
      // A host that is away, or no host at all, is no reason to stop: the next drill finds them.
      if (!this.#isOver) this.#context.onError('drill by schedule', error);
      return otherwise;
    }
  }
}
