import type { LiveRequest, StartedLive } from '../live/start-live.ts';
import type { AppliedOrder, CarriedRequest } from '../orders/apply-carried.ts';

/** What only the work can do for whoever owns this host. */
export interface LocalWork {
  /** Errors: those of `startLive`. */
  readonly start: (request: LiveRequest) => Promise<StartedLive>;
  /** Errors: those of `applyCarried`. */
  readonly apply: (request: CarriedRequest) => Promise<AppliedOrder>;
}

/** From whoever asks on this host, which waits, to what works, which is loaded with the first of it. */
export class WorkDoor implements LocalWork {
  readonly #wake: () => void;
  readonly #opened = Promise.withResolvers<LocalWork>();
  #isWanted = false;

  /** `wake` is called when somebody stands before it. */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** The work is there. */
  open(work: LocalWork): void {
    this.#opened.resolve(work);
  }

  async start(request: LiveRequest): Promise<StartedLive> {
    return (await this.#work()).start(request);
  }

  async apply(request: CarriedRequest): Promise<AppliedOrder> {
    return (await this.#work()).apply(request);
  }

  #work(): Promise<LocalWork> {
    this.#isWanted = true;
    this.#wake();
    return this.#opened.promise;
  }
}
