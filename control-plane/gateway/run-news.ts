import type { RunProgress } from '../../shared/rpc/generated/messages.ts';

/** Called when something about the run is new in the store (`progress` undefined), or when it made progress. */
export type RunListener = (progress: RunProgress | undefined) => void;

/** Tells those who watch a run that there is something to read. Carries no state: the store is what is true. */
export class RunNews {
  readonly #listeners = new Map<string, Set<RunListener>>();

  /** Returns what ends the subscription. */
  subscribe(runId: string, listener: RunListener): () => void {
    const listeners = this.#listeners.get(runId) ?? new Set();
    this.#listeners.set(runId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(runId) === listeners) this.#listeners.delete(runId);
    };
  }

  publish(runId: string, progress?: RunProgress): void {
    for (const listener of this.#listeners.get(runId) ?? []) listener(progress);
  }
}
