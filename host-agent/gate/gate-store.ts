/**
 * What the execution gates of this host must not forget: their states, the nonces that have opened them, and the largest
 * checkpoint of the log that was seen.
 *
 * 1. A step is one transaction: the state, the nonce that it spends, the checkpoint, and whatever report is written beside.
 * 2. What cannot be read is not a state: nothing is admitted on it, and whoever asks hears why (P3). It is never made
 *    anew, since the epoch that it held is what keeps old orders dead (P4).
 */
import { messageOf } from '../../shared/errors.ts';
import type { Checkpoint } from '../../shared/transparency/checkpoint.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import { FIRST_STATE, type GateState } from './machine.ts';
import { encodeGateState, parseGateState } from './state-text.ts';

/** What becomes durable together with a state. */
export interface Beside {
  /** Never again opens this application's gate. */
  readonly nonce?: string | undefined;
  readonly checkpoint?: Checkpoint | undefined;
  /** Written in the same transaction, such as a receipt for the outbox. */
  readonly also?: (() => void) | undefined;
}

export class GateStore {
  readonly #database: JournalDatabase;

  constructor(database: JournalDatabase) {
    this.#database = database;
  }

  /** The state, or why it cannot be told. Never throws: whoever asks gets an answer, and it opens nothing. */
  read(app: string): GateState | { readonly state: 'unknown'; readonly reason: string } {
    try {
      const text = this.#stateText(app);
      if (text === undefined) return FIRST_STATE;
      return parseGateState(text) ?? { state: 'unknown', reason: 'what the journal says of it is not understood' };
    } catch (error) {
      return { state: 'unknown', reason: `the journal cannot be read: ${messageOf(error)}` };
    }
  }

  /** Applications that have a state, sorted. */
  applications(): string[] {
    return this.#database.prepare<[], string>('select app from gate_states order by app').pluck().all();
  }

  /** Errors: the journal's. Nothing of it is there then. */
  save(app: string, state: GateState, { nonce, checkpoint, also }: Beside = {}): void {
    this.#database
      .transaction(() => {
        const text = encodeGateState(state);
        this.#database.prepare('insert or replace into gate_states (app, state) values (?, ?)').run(app, text);
        if (nonce !== undefined) {
          this.#database.prepare('insert into spent_nonces (app, nonce) values (?, ?)').run(app, nonce);
        }
        if (checkpoint !== undefined) this.saveCheckpoint(checkpoint);
        also?.();
      })
      .immediate();
  }

  /** The order that the gate was last opened by, as it came; to be called in `also` of `save`. */
  saveOffer(app: string, offer: Uint8Array): void {
    this.#database
      .prepare('insert or replace into gate_offers (app, offer) values (?, ?)')
      .run(app, Buffer.from(offer));
  }

  offerOf(app: string): Buffer | undefined {
    return this.#database.prepare<[string], Buffer>('select offer from gate_offers where app = ?').pluck().get(app);
  }

  isSpent(app: string, nonce: string): boolean {
    return (
      this.#database
        .prepare<[string, string]>('select 1 from spent_nonces where app = ? and nonce = ?')
        .get(app, nonce) !== undefined
    );
  }

  /** The largest that this host has seen of that log. */
  checkpointOf(origin: string): Checkpoint | undefined {
    const row = this.#database
      .prepare<[string], { size: number; root: Buffer }>('select size, root from log_checkpoints where origin = ?')
      .get(origin);
    return row && { origin, ...row };
  }

  /** Undefined for a host that has seen no log. A policy names one log; of several, whoever sends to this host has to try. */
  largestLogSize(): number | undefined {
    return (
      this.#database.prepare<[], number | null>('select max(size) from log_checkpoints').pluck().get() ?? undefined
    );
  }

  /** To be called inside a transaction. */
  saveCheckpoint({ origin, size, root }: Checkpoint): void {
    // A smaller one may come late; what was seen stays seen.
    this.#database
      .prepare(
        `insert into log_checkpoints (origin, size, root) values (?, ?, ?)
         on conflict (origin) do update set size = excluded.size, root = excluded.root where excluded.size > size`,
      )
      .run(origin, size, root);
  }

  #stateText(app: string): string | undefined {
    return this.#database.prepare<[string], string>('select state from gate_states where app = ?').pluck().get(app);
  }
}
