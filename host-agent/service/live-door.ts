import type { LiveRequest, StartedLive } from '../live/start-live.ts';

export type StartLive = (request: LiveRequest) => Promise<StartedLive>;

/** From whoever asks on this host, which waits, to what starts live processes, which is loaded with the first work. */
export class LiveDoor {
  readonly #starting = Promise.withResolvers<StartLive>();

  /** The work is there. */
  open(start: StartLive): void {
    this.#starting.resolve(start);
  }

  /** Waits until the work is there, which it soon is while a gate is open. Errors: those of `startLive`. */
  async start(request: LiveRequest): Promise<StartedLive> {
    const start = await this.#starting.promise;
    return start(request);
  }
}
