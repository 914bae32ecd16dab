/** What an agent stands on as long as it runs: the parts that wait with it. Whatever only work needs comes later. */
import type { Logger } from '../../shared/service/service-log.ts';
import { type Clock, waitFor } from '../../shared/time/clock.ts';
import type { Wakeup } from '../../shared/time/wakeup.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import { type HostConfig, hostFolders } from '../host/host-config.ts';
import { DirectiveLog } from '../journal/directives.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import { JournalOutbox } from '../journal/outbox.ts';
import { backoffMs } from '../link/backoff.ts';
import { IdentityStore } from '../link/identity-store.ts';
import { heapCollector, RestfulWakeup } from './restful-wakeup.ts';

export interface Foundations {
  readonly config: HostConfig;
  readonly stateDirectory: string;
  readonly database: JournalDatabase;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal;
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

/** Built once and shared by the parts. */
export interface WaitingParts {
  readonly identity: IdentityStore;
  readonly hostKey: SigningKey;
  readonly directives: DirectiveLog;
  readonly outbox: JournalOutbox;
  /** Woken when a directive was stored, and when the link has changed. */
  readonly wakeup: Wakeup;
  readonly now: () => Date;
  readonly waitToRetry: (attempt: number) => Promise<void>;
}

/** Errors: those of `IdentityStore.openLedgerKey`. */
export function waitingParts({ stateDirectory, database, clock, random, signal }: Foundations): WaitingParts {
  const identity = new IdentityStore(hostFolders(stateDirectory).identity);
  const directives = new DirectiveLog(database);
  const wakeup = new RestfulWakeup({ clock, collect: heapCollector() });
  directives.onAccepted(() => wakeup.wake());
  return {
    identity,
    hostKey: identity.openLedgerKey(),
    directives,
    outbox: new JournalOutbox(database),
    wakeup,
    now: () => new Date(clock.now()),
    waitToRetry: async (attempt) => {
      await waitFor(clock, backoffMs(attempt + 1, random), signal);
      signal.throwIfAborted();
    },
  };
}
