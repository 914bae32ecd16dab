/**
 * The control plane as one object: made, started, stopped. `keyturn serve` and the tests run this.
 *
 * In its folder: `store.sqlite`, `authority/`, `content/` (blobs), `timestamp-key.pem`, `log-key.pem`, `serve.lock`,
 * `serve.pid`.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { RejectedError, TransientError } from '../shared/errors.ts';
import type { PublishRequest, PublishResponse } from '../shared/rpc/generated/messages.ts';
import type { Role } from '../shared/rpc/peer-identity.ts';
import { makeDirectory } from '../shared/store/atomic-file.ts';
import { type Clock, systemClock } from '../shared/time/clock.ts';
import type { PublicKey } from '../shared/trust/keys.ts';
import type { NoteKey } from '../shared/trust/verifier-key.ts';
import { createAuthority, openAuthority } from './authority/authority-files.ts';
import type { CertificateAuthority, IssuedIdentity } from './authority/certificate-authority.ts';
import { ensureLogKey } from './authority/log-key.ts';
import { OpenCalls } from './authority/open-calls.ts';
import { issueOperatorIdentity } from './authority/operator-identity.ts';
import { createTimestampKey, openTimestampKey } from './authority/timestamp-key.ts';
import { BlobStore } from './blobs/blob-store.ts';
import { ChunkLists } from './blobs/chunk-lists.ts';
import { HostSessions } from './gateway/host-sessions.ts';
import { RunNews } from './gateway/run-news.ts';
import { DrillSchedule } from './governance/drill-schedule.ts';
import { ReceiptLog } from './governance/log-receipts.ts';
import { closeAgain } from './governance/refusal-drill.ts';
import { type Addresses, type ListenAddresses, listenerCredentials, startListeners } from './listeners.ts';
import type { OperatorContext } from './operator/operator-context.ts';
import { publish } from './operator/publish.ts';
import { type PublishedReport, recordReport } from './operator/record-report.ts';
import { keepRenewing, type Renewals } from './renewals.ts';
import { openSqliteStore } from './store/database.ts';
import { publishedVersions } from './store/publications.ts';
import type { Store } from './store/schema.ts';
import { lockControlPlaneFolder } from './store/serve-lock.ts';
import { TransparencyLog } from './transparency/transparency-log.ts';

const HOUR_MS = 60 * 60 * 1000;

export interface ControlPlaneConfig {
  /** Holds everything that the control plane keeps. */
  readonly folder: string;
  readonly listen: ListenAddresses;
  /** DNS names and addresses to put into the server's certificate, for tools other than ours. */
  readonly serverNames?: readonly string[];
  /** How long a timestamp is valid while no policy is published; an hour by default. */
  readonly timestampLifetimeMs?: number;
  readonly clock?: Clock;
  readonly random?: (count: number) => Buffer;
  /** How often hosts are drilled by themselves; undefined for never. */
  readonly drillEveryMs?: number;
  /** Called after a run has durably entered an end phase, or its report was recorded. Must not throw. */
  readonly onRunSettled?: (runId: string) => void;
  /** Hears of every failed call and every failed renewal. */
  readonly onError?: (action: string, error: unknown) => void;
}

export interface ControlPlane {
  /** As they were bound, `host:port`. */
  readonly addresses: Addresses;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly authority: CertificateAuthority;
  /** Everything that was decided. */
  readonly log: TransparencyLog;
  /** As a releaser's call would, for the first publication of a new control plane. Errors: those of `publish`. */
  publish(request: PublishRequest): Promise<PublishResponse>;
  /** False until the first publication. */
  isPublished(): Promise<boolean>;
  /** Keeps the report of a run and asks its host to record the receipt. Errors: `run-not-found`, `report-document-misnamed`. */
  recordReport(runId: string, report: PublishedReport): Promise<void>;
  /** Ends every session, closes the listeners, then the store. */
  stop(): Promise<void>;
}

/**
 * Makes the folder of a new control plane: its CA, its freshness key, whose public half belongs into the trust root, and
 * the key of its log, which belongs into the policy. Errors: `RejectedError` with `authority-exists` or `timestamp-key-exists`.
 */
export async function createControlPlane(
  folder: string,
  clock: Clock = systemClock,
): Promise<{ caCertificate: string; timestampKey: PublicKey; log: NoteKey }> {
  makeDirectory(folder, { mode: 0o700 });
  const timestampKey = createTimestampKey(folder);
  const authority = await createAuthority(join(folder, 'authority'), clock);
  return { caCertificate: authority.caCertificate, timestampKey, log: ensureLogKey(folder) };
}

/**
 * Issues a certificate for a person or a pipeline, while the control plane runs or not. Errors: those of
 * `issueOperatorCertificate`, `authority-missing`.
 */
export async function issueOperator(
  folder: string,
  operator: { readonly name: string; readonly role: Role; readonly lifetimeMs?: number },
  clock: Clock = systemClock,
): Promise<IssuedIdentity> {
  const authority = await openAuthority(join(folder, 'authority'), clock);
  const store = await openSqliteStore(join(folder, 'store.sqlite'));
  try {
    return await issueOperatorIdentity({ store, authority }, operator);
  } finally {
    await store.destroy();
  }
}

/**
 * Errors: `RejectedError` when the folder holds no control plane, or another process runs it (`control-plane-running`);
 * `TransientError` when an address cannot be bound. Nothing is held then.
 */
export async function startControlPlane(config: ControlPlaneConfig): Promise<ControlPlane> {
  const clock = config.clock ?? systemClock;
  const authority = await openAuthority(join(config.folder, 'authority'), clock);
  const timestampKey = openTimestampKey(config.folder);
  await using held = new AsyncDisposableStack();
  held.use(lockControlPlaneFolder(config.folder));
  const store = await openSqliteStore(join(config.folder, 'store.sqlite'));
  held.defer(() => store.destroy());
  let renewals: Renewals | undefined;
  const blobs = new BlobStore(join(config.folder, 'content'), clock);
  const log = new TransparencyLog({ store, signer: ensureLogKey(config.folder), clock });
  const onError = config.onError ?? (() => {});
  const receipts = new ReceiptLog({ store, log, onError });
  held.defer(() => receipts.settled());
  const context: OperatorContext = {
    store,
    authority,
    clock,
    blobs,
    chunkLists: new ChunkLists(blobs),
    log,
    sessions: new HostSessions(),
    operatorCalls: new OpenCalls(),
    news: new RunNews(),
    timestamping: { key: timestampKey, defaultLifetimeMs: config.timestampLifetimeMs ?? HOUR_MS },
    random: config.random ?? randomBytes,
    onRunSettled: config.onRunSettled ?? (() => {}),
    onPublished: () => renewals?.onPublished(),
    onReceipt: (receipt) => receipts.add(receipt),
    onAlarm: (host) => void soundAlarm(context, host),
    onError,
  };
  await receipts.catchUp();
  await closeAgain(context);
  const opened = await listen(config, context);
  renewals = opened.renewals;
  if (config.drillEveryMs !== undefined) held.use(new DrillSchedule(context, config.drillEveryMs));
  const kept = held.move();
  return { ...opened.controlPlane, stop: () => opened.stop().finally(() => kept.disposeAsync()) };
}

/** An order that had to be refused has opened a gate. Never throws: what cannot be closed now is closed at the next start. */
async function soundAlarm(context: OperatorContext, host: string): Promise<void> {
  const message = `a drill order was admitted by host "${host}": its gate is closed again; do not trust what it runs`;
  context.onError('drill', new RejectedError('drill-order-admitted', message));
  await closeAgain(context).catch((error: unknown) => context.onError('close again', error));
}

async function listen(
  config: ControlPlaneConfig,
  context: OperatorContext,
): Promise<{ controlPlane: Omit<ControlPlane, 'stop'>; renewals: Renewals; stop: () => Promise<void> }> {
  const issue = () => context.authority.issueServerCertificate(config.serverNames ?? []);
  const credentials = listenerCredentials(await issue());
  const { listeners, addresses, probes } = await startListeners(config.listen, context, credentials);
  const renewals = await keepRenewing(context, async () => {
    const renewed = await issue();
    credentials.forAnybody.replaceIdentity(renewed);
    credentials.forKnown.replaceIdentity(renewed);
  });
  const controlPlane = {
    addresses,
    store: context.store,
    blobs: context.blobs,
    authority: context.authority,
    log: context.log,
    publish: (request: PublishRequest) => publish(context, request),
    isPublished: async () => (await publishedVersions(context.store)) !== undefined,
    recordReport: (runId: string, report: PublishedReport) => recordReport(context, runId, report),
  };
  const stop = async (): Promise<void> => {
    renewals.cancel();
    probes.stopServing();
    context.sessions.endAll();
    context.operatorCalls.endAll(new TransientError('the control plane is stopping'));
    await Promise.all(listeners.map((listener) => listener.stop()));
  };
  return { controlPlane, renewals, stop };
}
