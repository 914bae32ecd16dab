/** Builds the parts of an agent and joins them: link, journal, trust, driver. Nothing here decides anything. */
import { messageOf } from '../../shared/errors.ts';
import { planKinds } from '../../shared/ledger/kinds/registry.ts';
import type { Logger } from '../../shared/service/service-log.ts';
import { type Clock, waitFor } from '../../shared/time/clock.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
import { AGENT_VERSION, type HostConfig, hostFolders } from '../host/host-config.ts';
import { SecretFolder } from '../host/secret-folder.ts';
import { DirectiveLog } from '../journal/directives.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import { JournalOutbox } from '../journal/outbox.ts';
import { backoffMs } from '../link/backoff.ts';
import { linkBlobSource } from '../link/blob-source.ts';
import { IdentityStore } from '../link/identity-store.ts';
import { Link, type LinkState } from '../link/link.ts';
import { linkTrustSource } from '../link/metadata-source.ts';
import { encodeLedgerEntry, encodeOutcome } from '../link/report.ts';
import { assembleDriver } from '../run/assemble-driver.ts';
import type { DirectiveMeans } from '../run/follow-directive.ts';
import type { RunDoing, RunDriver } from '../run/run-driver.ts';
import { RunStore } from '../run/run-store.ts';
import type { Work } from '../run/work-loop.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { loadTrusted } from '../trust/metadata-store.ts';
import { TrustClient } from '../trust/trust-client.ts';

export interface Foundations {
  readonly config: HostConfig;
  readonly stateDirectory: string;
  readonly database: JournalDatabase;
  readonly sandbox: Sandbox | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal;
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

/** Built once and shared by the parts. */
interface Shared {
  readonly identity: IdentityStore;
  readonly directives: DirectiveLog;
  readonly outbox: JournalOutbox;
  readonly wakeup: Wakeup;
  readonly now: () => Date;
  readonly waitToRetry: (attempt: number) => Promise<void>;
}

export function buildParts(foundations: Foundations): { link: Link; work: Work } {
  const shared = sharedOf(foundations);
  const link = linkOf(foundations, shared);
  const store = storeOf(foundations, shared);
  const driver = driverOf(foundations, { ...shared, link, store });
  const means = meansOf(foundations, { ...shared, link, store });
  const { wakeup, waitToRetry } = shared;
  return { link, work: { store, driver, means, wakeup, waitToRetry, log: foundations.log } };
}

function sharedOf({ stateDirectory, database, clock, random, signal }: Foundations): Shared {
  const directives = new DirectiveLog(database);
  const wakeup = new Wakeup();
  directives.onAccepted(() => wakeup.wake());
  return {
    identity: new IdentityStore(hostFolders(stateDirectory).identity),
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

function linkOf({ config, clock, random, log }: Foundations, { identity, directives, outbox, wakeup }: Shared): Link {
  return new Link({
    host: config.host,
    address: config.gateway,
    identity,
    inbox: directives,
    outbox,
    agentVersion: AGENT_VERSION,
    clock,
    random,
    onState: (state) => {
      tellState(log, state);
      wakeup.wake();
    },
    // Every admission refreshes by itself; while nothing can be enabled there is nothing to hurry for.
    onTrustHint: () => undefined,
    onTrouble: (error) => log.warn({ reason: messageOf(error) }, 'link trouble'),
  });
}

/** A link that is closed for good says why, and what to do. */
function tellState(log: Logger, state: LinkState): void {
  const error = state.name === 'closed' ? state.error : undefined;
  if (error) log.error({ link: state.name, code: error.code, reason: error.message, hint: error.hint }, 'link');
  else log.info({ link: state.name }, 'link');
}

function storeOf({ config, database }: Foundations, { identity, outbox, now }: Shared): RunStore {
  return new RunStore({
    database,
    outbox,
    host: config.host,
    hostKey: identity.openLedgerKey(),
    now,
    encodeLedgerReport: ({ run, seq, entry, head }) => encodeLedgerEntry({ runId: run, seq, entry, head }),
  });
}

type SharedWithRuns = Shared & { readonly link: Link; readonly store: RunStore };

function driverOf(foundations: Foundations, { link, store, now, waitToRetry }: SharedWithRuns): RunDriver {
  const { config, stateDirectory, database, sandbox, clock, log, signal, testOnlyAtBoundary } = foundations;
  const folders = hostFolders(stateDirectory);
  return assembleDriver({
    host: config.host,
    database,
    store,
    blobs: linkBlobSource(() => link.gateway()),
    blobCache: folders.blobs,
    secrets: new SecretFolder(folders.secrets),
    sandbox,
    rootPrefix: config.rootPrefix,
    hidden: [stateDirectory],
    now,
    clock,
    waitToRetry,
    onTrouble: (run, { doing, error }) =>
      log.info({ run, doing, reason: messageOf(error), hint: hintOf(error) }, 'tried in vain'),
    onProgress: (run, doing) => link.sendProgress(progressOf(run, doing)),
    signal,
    ...(testOnlyAtBoundary && { testOnlyAtBoundary }),
  });
}

function meansOf(foundations: Foundations, parts: SharedWithRuns): DirectiveMeans {
  const { config, database, log, signal } = foundations;
  const { link, store, directives, outbox, now } = parts;
  const source = linkTrustSource(() => link.gateway(), { signal });
  return {
    trust: new TrustClient({ db: database, source, rules: 'keyturn', now }),
    trusted: () => loadTrusted(database),
    blobs: linkBlobSource(() => link.gateway()),
    kinds: planKinds,
    installRoots: config.installRoots,
    signal,
    database,
    directives,
    outbox,
    store,
    agentVersion: AGENT_VERSION,
    now,
    encodeOutcome,
    onRefused: ({ seq }, error) =>
      log.warn({ directive: seq, code: error.code, reason: error.message, hint: error.hint }, 'directive refused'),
  };
}

function progressOf(runId: string, { phase, doing, doneBytes = 0, totalBytes = 0 }: RunDoing) {
  const checkId = doing.startsWith('observe ') ? doing.slice('observe '.length) : '';
  return { runId, phase, doneBytes, totalBytes, checkId };
}

function hintOf(error: Error): string | undefined {
  return 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
}
