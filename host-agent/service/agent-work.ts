/** Builds what works: trust, admission, runs, install, checks, sandbox. Loaded with the first work, not before. */
import { join } from 'node:path';
import { messageOf } from '../../shared/errors.ts';
import { planKinds } from '../../shared/ledger/kinds/registry.ts';
import { ScheduledRuns } from '../health/scheduled-runs.ts';
import { AGENT_VERSION, hostFolders } from '../host/host-config.ts';
import { hostSecrets } from '../host/host-secrets.ts';
import { backoffMs } from '../link/backoff.ts';
import { linkBlobSource } from '../link/blob-source.ts';
import type { Link } from '../link/link.ts';
import { linkTrustSource } from '../link/metadata-source.ts';
import { encodeLedgerEntry, encodeLiveReport, encodeOutcome, encodeReceipt } from '../link/report.ts';
import { GateSocket } from '../live/gate-socket.ts';
import { LiveStore } from '../live/live-store.ts';
import { startLive } from '../live/start-live.ts';
import { HostKillAnswers } from '../orders/answer-host-kills.ts';
import { applyCarried } from '../orders/apply-carried.ts';
import { followRuling } from '../orders/follow-ruling.ts';
import { OpenGates } from '../orders/keep-open.ts';
import { followOrders, type OrderWork } from '../orders/order-loop.ts';
import type { OrderMeans } from '../orders/order-means.ts';
import { assembleDriver } from '../run/assemble-driver.ts';
import { type DirectiveMeans, settle } from '../run/follow-directive.ts';
import type { RunDoing, RunDriver } from '../run/run-driver.ts';
import { RunStore } from '../run/run-store.ts';
import { workUntil } from '../run/work-loop.ts';
import { detectSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import { loadTrusted } from '../trust/metadata-store.ts';
import { TrustClient } from '../trust/trust-client.ts';
import type { Foundations, WaitingParts } from './agent-foundations.ts';

type Parts = WaitingParts & { readonly link: Link };

/** Works until the signal of the foundations is aborted. Errors: those of `workUntil` and `followOrders`. */
export async function work(foundations: Foundations, parts: Parts): Promise<void> {
  const { log, signal } = foundations;
  const sandbox = await detectSandbox();
  if (!sandbox) log.warn({}, 'no bubblewrap on this host: checks that run a program will be blocked');
  const store = storeOf(foundations, parts);
  const driver = driverOf(foundations, { ...parts, store, sandbox });
  const orders = orderWorkOf(foundations, { ...parts, store, sandbox });
  const means = meansOf(foundations, { ...parts, store, orders: orders.means });
  const { wakeup, waitToRetry } = parts;
  // What fails in one of them ends the agent; the other hears of it by the signal.
  await Promise.all([
    workUntil(signal, { store, driver, means, wakeup, waitToRetry, log }),
    followOrders(signal, orders).finally(() => orders.means.socket.close()),
  ]);
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

/** Orders are judged by the same trust client: its refreshes take turns. */
function orderWorkOf(
  foundations: Foundations,
  parts: PartsWithRuns & { readonly sandbox: Sandbox | undefined },
): OrderWork {
  const { config, stateDirectory, database, clock, log, signal, random, testOnlyAtBoundary } = foundations;
  const { link, directives, outbox, now, hostKey, keeper, gates, registry, killFile, orderWakeup, store, killer } =
    parts;
  const { host, labels, rootPrefix } = config;
  const hostPublicKey = hostKey.publicKeyPem;
  const nowMs = () => clock.now();
  const folders = hostFolders(stateDirectory);
  const socketPath = join(folders.runtime, 'gate.sock');
  const means: OrderWork['means'] = {
    ...{ host, labels, rootPrefix, hostKey, hostPublicKey, hidden: [stateDirectory] },
    ...{ database, store, outbox, keeper, gates, registry, killFile, log, signal, now, nowMs },
    obeyKillFile: () => parts.fileKills.obey(),
    isCaughtUp: () => link.isCaughtUp,
    trust: new TrustClient({
      db: database,
      source: linkTrustSource(() => link.gateway(), { signal, clock }),
      rules: 'keyturn',
      now,
    }),
    trusted: () => loadTrusted(database),
    encodeReceipt,
    encodeLiveReport,
    settle: (stored, refusalCode) => settle(stored, { means: { directives, outbox, encodeOutcome }, refusalCode }),
    onRefused: ({ seq }, error) =>
      log.warn({ directive: seq, code: error.code, reason: error.message, hint: error.hint }, 'order refused'),
    lives: new LiveStore(database),
    secrets: hostSecrets(folders.secrets, process.env.CREDENTIALS_DIRECTORY),
    sandbox: parts.sandbox,
    socket: new GateSocket({ path: socketPath, host, hostPublicKey, keeper, registry, nowMs }),
    onLiveTrouble: (error) => log.error({ reason: messageOf(error) }, 'the end of a live process is not on record'),
  };
  const openGates = new OpenGates(means);
  letIn(parts, { means, openGates });
  const { onLiveTrouble } = means;
  return {
    means,
    openGates,
    hostKills: new HostKillAnswers({ ...means, kills: killer.kills, onTrouble: onLiveTrouble, testOnlyAtBoundary }),
    scheduled: new ScheduledRuns(means),
    directives,
    wakeup: orderWakeup,
    clock,
    retryMs: (attempt) => backoffMs(attempt + 1, random),
  };
}

/** What waits from the agent's start on finds what works. */
function letIn(
  { trustHints, orderWakeup, door }: Parts,
  { means, openGates }: Pick<OrderWork, 'means' | 'openGates'>,
): void {
  trustHints.listen(() => {
    openGates.hint();
    orderWakeup.wake();
  });
  door.open({
    start: (request) => startLive(request, means),
    apply: (request) => applyCarried(request, means),
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

function meansOf(
  foundations: Foundations,
  { orders, ...parts }: PartsWithRuns & { readonly orders: OrderMeans },
): DirectiveMeans {
  const { config, database, clock, log, signal } = foundations;
  const { link, store, directives, outbox, now, keeper } = parts;
  return {
    trust: orders.trust,
    trusted: orders.trusted,
    followRuling: (ruling, stored) => followRuling(ruling, stored, orders),
    isGateOpen: (app) => keeper.view(app).state !== 'closed',
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
