/**
 * Kills that happen on the host itself, by the word of whoever is root there or by a file.
 *
 * 1. The gate is closed, its epoch raised, and who wanted it written down in one transaction, before anybody hears that it
 *    was; what the control plane hears of it is made of that row, whenever it can be (P4, P8).
 * 2. What runs is stopped whether or not that can be written down.
 */
import { RejectedError } from '../../shared/errors.ts';
import type { GateKeeper } from '../gate/gate-keeper.ts';
import { knownApplications } from '../journal/applications.ts';
import { HostKills } from '../journal/host-kills.ts';
import type { JournalDatabase } from '../journal/journal.ts';

export interface HostKillerOptions {
  readonly database: JournalDatabase;
  readonly keeper: GateKeeper;
  readonly nowMs: () => number;
  /** Something is there to be told to the control plane. */
  readonly onKilled: () => void;
  readonly testOnlyAtBoundary?: ((boundary: string) => void) | undefined;
}

export interface KillWish {
  readonly reason: string;
  readonly by: string;
  /** Written in the same transaction. */
  readonly also?: () => void;
}

export class HostKiller {
  readonly kills: HostKills;
  readonly #options: HostKillerOptions;

  constructor(options: HostKillerOptions) {
    this.#options = options;
    this.kills = new HostKills(options.database);
  }

  /** All that this host knows, sorted. Errors: the journal's. */
  applications(): string[] {
    return knownApplications(this.#options.database);
  }

  /** Errors: `RejectedError('app-unknown')`, that nobody takes a slip of the pen for a kill. */
  checkKnown(app: string): void {
    const known = this.applications();
    if (known.includes(app)) return;
    throw new RejectedError('app-unknown', `failed to kill "${app}": this host has never had it`, {
      hint: known.length > 0 ? `it knows ${known.join(', ')}` : 'it knows no application at all',
    });
  }

  /** Returns the epoch that holds from now on. Errors: those of `GateKeeper.kill`. */
  kill(app: string, { reason, by, also }: KillWish): number {
    const { keeper, nowMs, onKilled } = this.#options;
    this.#at('before it is durable');
    const receipt = () => {
      this.kills.add({ app, reason, by, atMs: nowMs() });
      also?.();
      this.#at('in its transaction');
    };
    const epoch = keeper.kill(app, { reason: `killed: ${reason}`, receipt });
    this.#at('durable');
    onKilled();
    return epoch;
  }

  #at(boundary: string): void {
    this.#options.testOnlyAtBoundary?.(`host kill ${boundary}`);
  }
}
