/** One sleeper, many who may wake it. A wake-up while nobody sleeps is not lost: the next sleep ends at once. */
export class Wakeup {
  #isDue = false;
  #resolve: (() => void) | undefined;
  #onAsleep: (() => void)[] = [];

  wake(): void {
    this.#isDue = true;
    this.#resolve?.();
  }

  /** Resolves once somebody sleeps for whom nothing is due. */
  asleep(): Promise<void> {
    if (this.#resolve && !this.#isDue) return Promise.resolve();
    return new Promise((resolve) => this.#onAsleep.push(resolve));
  }

  /** Resolves at the next wake-up, or when the signal is aborted. */
  async sleep(signal: AbortSignal): Promise<void> {
    if (!this.#isDue && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#resolve = wake;
        signal.addEventListener('abort', wake, { once: true });
        for (const tell of this.#onAsleep.splice(0)) tell();
      });
    }
    this.#resolve = undefined;
    this.#isDue = false;
  }
}
