import type { OpenCall } from '../../shared/rpc/serve.ts';

/** Which calls are open, by whoever they belong to, so that they end when their caller is put out. */
export class OpenCalls {
  readonly #calls = new Map<string, Set<AbortController>>();

  /** Counts a call of `caller` until it leaves. */
  enter(caller: string): OpenCall {
    const controller = new AbortController();
    const calls = this.#calls.get(caller) ?? new Set();
    this.#calls.set(caller, calls.add(controller));
    return {
      signal: controller.signal,
      leave: () => {
        calls.delete(controller);
        if (calls.size === 0 && this.#calls.get(caller) === calls) this.#calls.delete(caller);
      },
    };
  }

  /** Ends every open call of `caller` with that reason. */
  end(caller: string, reason: Error): void {
    for (const call of this.#calls.get(caller) ?? []) call.abort(reason);
  }

  endAll(reason: Error): void {
    for (const caller of this.#calls.keys()) this.end(caller, reason);
  }
}
