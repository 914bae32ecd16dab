/**
 * The agent: journal, link and runs put together.
 *
 * 1. What was begun is finished first: unfinished runs before new directives, directives in their order.
 * 2. Work goes on without a connection; only what needs one waits for it.
 * 3. A stop leaves the journal as it is; the next start goes on from there.
 */
import { messageOf, TransientError } from '../shared/errors.ts';
import { checkKinds } from '../shared/ledger/kinds/registry.ts';
import type { Logger } from '../shared/service/service-log.ts';
import { type Clock, waitFor } from '../shared/time/clock.ts';
import { Wakeup } from '../shared/time/wakeup.ts';
import { versionOf } from '../shared/trust/tuf-metadata.ts';
import { AGENT_VERSION, type HostConfig, hostFolders, loadHostConfig } from './host/host-config.ts';
import { SecretFolder } from './host/secret-folder.ts';
import { DirectiveLog } from './journal/directives.ts';
import { openJournal } from './journal/journal.ts';
import { JournalOutbox } from './journal/outbox.ts';
import { backoffMs } from './link/backoff.ts';
import { linkBlobSource } from './link/blob-source.ts';
import { IdentityStore } from './link/identity-store.ts';
import { Link } from './link/link.ts';
import { linkTrustSource } from './link/metadata-source.ts';
import { encodeLedgerEntry, encodeOutcome } from './link/report.ts';
import { assembleDriver } from './run/assemble-driver.ts';
import { type DirectiveMeans, followDirective } from './run/follow-directive.ts';
import type { RunDoing, RunDriver } from './run/run-driver.ts';
import { RunStore } from './run/run-store.ts';
import { detectSandbox } from './sandbox/sandbox.ts';
import { loadTrusted } from './trust/metadata-store.ts';
import { TrustClient } from './trust/trust-client.ts';

export interface AgentOptions {
  readonly stateDirectory: string;
  readonly clock: Clock;
  /** Numbers from 0 up to, not including, 1. */
  readonly random: () => number;
  readonly log: Logger;
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

export interface Agent {
  readonly config: HostConfig;
  readonly link: Link;
  /** Resolves when the work loop has ended, rejects when it could not go on. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Errors: `RejectedError` when this host is not enrolled or its configuration is malformed. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const config = loadHostConfig(options.stateDirectory);
  const database = openJournal(options.stateDirectory);
  const stopping = new AbortController();
  const agent = await assemble(options, { config, database, stopping });
  const ended = agent.work().finally(async () => {
    stopping.abort();
    await agent.link.stop();
    database.close();
  });
  // Whoever awaits `ended` hears of a failure; nobody need.
  ended.catch(() => undefined);
  agent.link.start();
  return {
    config,
    link: agent.link,
    ended,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

interface Foundations {
  readonly config: HostConfig;
  readonly database: ReturnType<typeof openJournal>;
  readonly stopping: AbortController;
}

async function assemble(
  options: AgentOptions,
  { config, database, stopping }: Foundations,
): Promise<{ link: Link; work: () => Promise<void> }> {
  const { clock, log, random, stateDirectory } = options;
  const { signal } = stopping;
  const now = () => new Date(clock.now());
  const folders = hostFolders(stateDirectory);
  const identity = new IdentityStore(folders.identity);
  const directives = new DirectiveLog(database);
  const outbox = new JournalOutbox(database);
  const wakeup = new Wakeup();
  const link = new Link({
    host: config.host,
    address: config.gateway,
    identity,
    inbox: directives,
    outbox,
    agentVersion: AGENT_VERSION,
    clock,
    random,
    onState: ({ name }) => {
      log.info({ link: name }, 'link');
      wakeup.wake();
    },
    // Every admission refreshes by itself; while nothing can be enabled there is nothing to hurry for.
    onTrustHint: () => undefined,
    onTrouble: (error) => log.warn({ reason: messageOf(error) }, 'link trouble'),
  });
  directives.onAccepted(() => wakeup.wake());
  const store = new RunStore({
    database,
    outbox,
    host: config.host,
    hostKey: identity.openLedgerKey(),
    now,
    encodeLedgerReport: ({ run, seq, entry, head }) => encodeLedgerEntry({ runId: run, seq, entry, head }),
  });
  const gateway = () => link.gateway();
  const blobs = linkBlobSource(gateway);
  const sandbox = await detectSandbox();
  if (!sandbox) log.warn('no bubblewrap on this host: checks will be blocked');
  const driver = assembleDriver({
    host: config.host,
    database,
    store,
    blobs,
    blobCache: folders.blobs,
    secrets: new SecretFolder(folders.secrets),
    sandbox,
    rootPrefix: config.rootPrefix,
    hidden: [stateDirectory],
    now,
    waitToRetry: (attempt) => waitToRetry(attempt, { clock, random, signal }),
    onProgress: (run, doing) => link.sendProgress(progressOf(run, doing)),
    signal,
    ...(options.testOnlyAtBoundary && { testOnlyAtBoundary: options.testOnlyAtBoundary }),
  });
  const means: DirectiveMeans = {
    trust: new TrustClient({ db: database, source: linkTrustSource(gateway), rules: 'keyturn', now }),
    trustVersions: () =>
      [...loadTrusted(database)].map(([file, bytes]) => `${file.replace(/\.json$/, '')} ${versionOf(bytes)}`).sort(),
    blobs,
    kinds: checkKinds,
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
      log.warn({ directive: seq, code: error.code, reason: error.message }, 'directive refused'),
  };
  return {
    link,
    work: () =>
      workUntil(signal, {
        store,
        driver,
        means,
        wakeup,
        log,
        retry: (attempt) => waitToRetry(attempt, { clock, random, signal }),
      }),
  };
}

interface Work {
  readonly store: RunStore;
  readonly driver: RunDriver;
  readonly means: DirectiveMeans;
  readonly wakeup: Wakeup;
  readonly log: Logger;
  readonly retry: (attempt: number) => Promise<void>;
}

async function workUntil(signal: AbortSignal, work: Work): Promise<void> {
  try {
    for (const run of work.store.unfinished()) await drive(run, work);
    while (!signal.aborted) {
      for (const directive of work.means.directives.unhandled()) {
        const run = await persistently(work, () => followDirective(directive, work.means));
        if (run !== undefined) await drive(run, work);
      }
      await work.wakeup.sleep(signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function drive(run: string, { driver, store, log }: Work): Promise<void> {
  log.info({ run }, 'run goes on');
  await driver.drive(run);
  log.info({ run, phase: store.state(run).phase }, 'run rests');
}

/** Tries again for as long as the world is in the way. */
async function persistently<T>({ retry, log }: Work, action: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      log.info({ attempt, reason: messageOf(error) }, 'tried in vain');
      await retry(attempt);
    }
  }
}

async function waitToRetry(
  attempt: number,
  { clock, random, signal }: { clock: Clock; random: () => number; signal: AbortSignal },
): Promise<void> {
  await waitFor(clock, backoffMs(attempt + 1, random), signal);
  signal.throwIfAborted();
}

function progressOf(runId: string, { phase, doing, doneBytes = 0, totalBytes = 0 }: RunDoing) {
  const checkId = doing.startsWith('observe ') ? doing.slice('observe '.length) : '';
  return { runId, phase, doneBytes, totalBytes, checkId };
}
