/** What runs live on this host: who closes a gate finds here what to stop. In memory, as processes do not outlive their agent. */
export interface LiveProcess {
  readonly live: string;
  readonly app: string;
  readonly entrypoint: string;
  /** SIGTERM now, SIGKILL after the grace. Later calls do nothing. */
  stop(reason: string): void;
  /** Whether it was told to. */
  readonly isEnding: () => boolean;
  /** Resolves when the last process of it is gone; never rejects. */
  readonly gone: Promise<unknown>;
}

export class LiveRegistry {
  readonly #processes = new Map<string, LiveProcess>();
  #isClosed = false;

  /** Whether the agent stops, and nothing may be started any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** To be called before the process starts, in the turn in which its permit was given: a kill in between would miss it. */
  add(process: LiveProcess): void {
    this.#processes.set(process.live, process);
    process.gone.finally(() => this.#processes.delete(process.live));
  }

  find(live: string): LiveProcess | undefined {
    return this.#processes.get(live);
  }

  of(app: string): LiveProcess[] {
    return [...this.#processes.values()].filter((process) => process.app === app);
  }

  stop(app: string, reason: string): void {
    for (const process of this.of(app)) process.stop(reason);
  }

  /** Resolves when nothing of the application runs that runs now. */
  async gone(app: string): Promise<void> {
    await Promise.all(this.of(app).map(({ gone }) => gone));
  }

  /** From now on nothing may be added. Resolves when nothing runs any more. */
  async close(reason: string): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#processes.values()];
    for (const process of all) process.stop(reason);
    await Promise.all(all.map(({ gone }) => gone));
  }
}
