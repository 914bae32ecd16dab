import { RejectedError } from '../../shared/errors.ts';
import type { LiveRequest, StartedLive } from '../live/start-live.ts';
import type { AppliedOrder, CarriedRequest } from '../orders/apply-carried.ts';

/** What only the work can do for whoever owns this host. */
export interface LocalWork {
  /** Errors: those of `startLive`. */
  readonly start: (request: LiveRequest) => Promise<StartedLive>;
  /** Errors: those of `applyCarried`. */
  readonly apply: (request: CarriedRequest) => Promise<AppliedOrder>;
}

/** Who waits for the end of a live process holds a connection: there is always one left for a kill. */
const MOST_WAITING = 32;

/** From whoever asks on this host, which waits, to what works, which is loaded with the first of it. */
export class WorkDoor implements LocalWork {
  readonly #wake: () => void;
  readonly #opened = Promise.withResolvers<LocalWork>();
  #isWanted = false;
  #waitingCount = 0;

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

  /** Errors: as `LocalWork`; `too-many-wait`. */
  async start(request: LiveRequest): Promise<StartedLive> {
    if (this.#waitingCount >= MOST_WAITING) {
      throw new RejectedError('too-many-wait', `refused to run live: ${MOST_WAITING} wait on this host already`);
    }
    this.#waitingCount += 1;
    const over = (): void => {
      this.#waitingCount -= 1;
    };
    try {
      const started = await (await this.#work()).start(request);
      started.ended.then(over, over);
      return started;
    } catch (error) {
      over();
      throw error;
    }
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
