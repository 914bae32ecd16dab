/**
 * What a live process needs to be started: only the gate, looking at durable state, makes one, and the process runner
 * takes nothing else (P3). It is no data: it cannot be copied, parsed or sent.
 */
export interface PermitFacts {
  readonly app: string;
  readonly entrypoint: string;
  readonly epoch: number;
  /** Digest of the order's envelope. */
  readonly envelope: string;
  /** When the gate closes by itself. */
  readonly untilMs: number;
}

const genuine = new WeakSet<RunPermit>();

export class RunPermit {
  readonly facts: PermitFacts;

  private constructor(facts: PermitFacts) {
    this.facts = Object.freeze({ ...facts });
    Object.freeze(this);
    genuine.add(this);
  }

  /** For `gate-keeper.ts` alone; a test of the layers sees to it. */
  static issuedByGate(facts: PermitFacts): RunPermit {
    return new RunPermit(facts);
  }
}

/** Whether `value` is a permit that the gate made. */
export function isRunPermit(value: unknown): value is RunPermit {
  return typeof value === 'object' && value !== null && genuine.has(value as RunPermit);
}
