/** Builds what works: trust, admission, runs, install, checks, sandbox. Loaded with the first work, not before. */
import { messageOf } from '../../shared/errors.ts';
import { planKinds } from '../../shared/ledger/kinds/registry.ts';
import { AGENT_VERSION, hostFolders } from '../host/host-config.ts';
import { hostSecrets } from '../host/host-secrets.ts';
import { linkBlobSource } from '../link/blob-source.ts';
import type { Link } from '../link/link.ts';
import { linkTrustSource } from '../link/metadata-source.ts';
import { encodeLedgerEntry, encodeOutcome } from '../link/report.ts';
import { assembleDriver } from '../run/assemble-driver.ts';
import type { DirectiveMeans } from '../run/follow-directive.ts';
import type { RunDoing, RunDriver } from '../run/run-driver.ts';
import { RunStore } from '../run/run-store.ts';
import { workUntil } from '../run/work-loop.ts';
import { detectSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import { loadTrusted } from '../trust/metadata-store.ts';
import { TrustClient } from '../trust/trust-client.ts';
import type { Foundations, WaitingParts } from './agent-foundations.ts';

type Parts = WaitingParts & { readonly link: Link };

/** Works until the signal of the foundations is aborted. Errors: those of `workUntil`. */
export async function work(foundations: Foundations, parts: Parts): Promise<void> {
  const { log, signal } = foundations;
  const sandbox = await detectSandbox();
  if (!sandbox) log.warn({}, 'no bubblewrap on this host: checks that run a program will be blocked');
  const store = storeOf(foundations, parts);
  const driver = driverOf(foundations, { ...parts, store, sandbox });
  const means = meansOf(foundations, { ...parts, store });
  const { wakeup, waitToRetry } = parts;
  await workUntil(signal, { store, driver, means, wakeup, waitToRetry, log });
}

function storeOf({ config, database }: Foundations, { hostKey, outbox, now }: Parts): RunStore {
  return new RunStore({
    database,
    outbox,
    host: config.host,
    hostKey,
    now,
    encodeLedgerReport: ({ run, seq, entry, head }) => encodeLedgerEntry({ runId: run, seq, entry, head }),
  });
}

type PartsWithRuns = Parts & { readonly store: RunStore };

function driverOf(
  foundations: Foundations,
  { link, store, now, waitToRetry, sandbox }: PartsWithRuns & { readonly sandbox: Sandbox | undefined },
): RunDriver {
  const { config, stateDirectory, database, clock, log, signal, testOnlyAtBoundary } = foundations;
  const folders = hostFolders(stateDirectory);
  return assembleDriver({
    host: config.host,
    database,
    store,
    blobs: linkBlobSource(() => link.gateway(), { clock }),
    blobCache: folders.blobs,
    secrets: hostSecrets(folders.secrets, process.env.CREDENTIALS_DIRECTORY),
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

function meansOf(foundations: Foundations, parts: PartsWithRuns): DirectiveMeans {
  const { config, database, clock, log, signal } = foundations;
  const { link, store, directives, outbox, now } = parts;
  const source = linkTrustSource(() => link.gateway(), { signal, clock });
  return {
    trust: new TrustClient({ db: database, source, rules: 'keyturn', now }),
    trusted: () => loadTrusted(database),
    blobs: linkBlobSource(() => link.gateway(), { clock }),
    newestMaterial: (name) => store.newestMaterial(name),
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
