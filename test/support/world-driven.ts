/**
 * A host whose run is driven without a link: the journal of a real admission, the agent's own driver and stores, blobs
 * from memory, and a courier in the link's place that stores reports as the gateway does. What the agent would do at
 * its start is done by `DrivenRun.open`, from the same folders.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { storeReport } from '../../control-plane/gateway/store-report.ts';
import { openSqliteStore } from '../../control-plane/store/database.ts';
import { admittedHost } from '../../control-plane/store/hosts.ts';
import { findLedgerHead, ledgerEntriesFrom } from '../../control-plane/store/ledger-entries.ts';
import type { Store } from '../../control-plane/store/schema.ts';
import { hostFolders, loadHostConfig } from '../../host-agent/host/host-config.ts';
import { SecretFolder } from '../../host-agent/host/secret-folder.ts';
import { type JournalDatabase, openJournal } from '../../host-agent/journal/journal.ts';
import { JournalOutbox } from '../../host-agent/journal/outbox.ts';
import { IdentityStore } from '../../host-agent/link/identity-store.ts';
import { encodeLedgerEntry } from '../../host-agent/link/report.ts';
import { assembleDriver } from '../../host-agent/run/assemble-driver.ts';
import type { RunDriver } from '../../host-agent/run/run-driver.ts';
import { RunStore } from '../../host-agent/run/run-store.ts';
import type { Sandbox } from '../../host-agent/sandbox/sandbox.ts';
import { LIMITS } from '../../shared/limits.ts';
import { openKtr } from '../../shared/release/ktr.ts';
import { reportCodec } from '../../shared/rpc/definitions.ts';
import { collectBounded } from '../../shared/trust/source.ts';
import { RecordingSource } from './install-fixture.ts';
import type { WorldHost } from './world-host.ts';

/** Small enough that the larger files of a sample come in several pieces. */
const PIECE_BYTES = 16 * 1024;

export interface DrivingOptions {
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly sandbox: Sandbox | undefined;
  /** How many checks are observed at a time; as an agent does unless said. */
  readonly atOnce?: number;
  readonly atBoundary?: (boundary: string) => void;
}

export class DrivenRun implements Disposable {
  readonly store: RunStore;
  readonly driver: RunDriver;
  readonly #database: JournalDatabase;

  private constructor(parts: { store: RunStore; driver: RunDriver; database: JournalDatabase }) {
    this.store = parts.store;
    this.driver = parts.driver;
    this.#database = parts.database;
  }

  /** As an agent that starts: everything from the host's folders. */
  static open({ stateDirectory }: WorldHost, { blobs, sandbox, atOnce, atBoundary }: DrivingOptions): DrivenRun {
    const config = loadHostConfig(stateDirectory);
    const database = openJournal(stateDirectory);
    // Keeps what is copied at each boundary small; durability is not touched by it.
    database.pragma('wal_autocheckpoint = 64');
    const folders = hostFolders(stateDirectory);
    const now = () => new Date();
    const store = new RunStore({
      database,
      outbox: new JournalOutbox(database),
      host: config.host,
      hostKey: new IdentityStore(folders.identity).openLedgerKey(),
      now,
      encodeLedgerReport: ({ run, seq, entry, head }) => encodeLedgerEntry({ runId: run, seq, entry, head }),
    });
    const driver = assembleDriver({
      host: config.host,
      database,
      store,
      blobs: new RecordingSource(blobs, PIECE_BYTES),
      blobCache: folders.blobs,
      secrets: new SecretFolder(folders.secrets),
      sandbox,
      rootPrefix: config.rootPrefix,
      hidden: [stateDirectory],
      now,
      waitToRetry: () => Promise.reject(new Error('nothing here may have to be tried again')),
      onProgress: () => undefined,
      signal: new AbortController().signal,
      ...(atOnce !== undefined && { atOnce }),
      ...(atBoundary && { testOnlyAtBoundary: atBoundary }),
    });
    return new DrivenRun({ store, driver, database });
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** Blobs of a bundle by digest. */
export async function blobsOf(ktrPath: string): Promise<Map<string, Buffer>> {
  const ktr = await openKtr(ktrPath);
  const blobs = new Map<string, Buffer>();
  for (const [digest, blob] of ktr.blobs) {
    blobs.set(digest, await collectBounded(blob.open(), { maxBytes: blob.size, what: digest }));
  }
  return blobs;
}

/** The folder of the host's own copy of what the control plane stores. */
function storeFolder({ folder }: WorldHost): string {
  return join(folder, 'store');
}

/** Gives the host its own copy of the store of a control plane that has stopped, and so has left one whole file. */
export function copyStore(host: WorldHost, controlPlaneFolder: string): void {
  cpSync(join(controlPlaneFolder, 'store.sqlite'), join(storeFolder(host), 'store.sqlite'));
}

export interface Delivery {
  /** `acknowledged`: the journal forgets what is stored; `acknowledgement-lost`: it keeps all of it. */
  readonly ends: 'acknowledged' | 'acknowledgement-lost';
}

/** Brings every pending report to the control plane's store, as a session does. Returns how many there were. */
export async function deliverReports(host: WorldHost, { ends }: Delivery): Promise<number> {
  const database = openJournal(host.stateDirectory);
  try {
    const outbox = new JournalOutbox(database);
    const pending = outbox.pendingAfter(0, LIMITS.ledgerEntryCount);
    await withStore(host, async (store) => {
      const { incarnation, ledger_public_key: ledgerPublicKey } = await admittedHost(store, host.name);
      const identity = { kind: 'host', host: host.name, serial: '', expiresAt: 0 } as const;
      const from = { identity, host: host.name, incarnation, ledgerPublicKey };
      for (const { id, bytes } of pending) {
        const fate = await storeReport(store, from, { id, report: reportCodec.decode(bytes), now: Date.now() });
        if (fate.kind === 'refused') throw fate.error;
      }
    });
    if (ends === 'acknowledged') {
      outbox.acknowledge(pending.at(-1)?.id ?? 0);
      outbox.forgetAcknowledged();
    }
    return pending.length;
  } finally {
    database.close();
  }
}

/** Whether the store holds the run's ledger, byte for byte as the host's journal has it, head included. */
export async function isStoredAsSigned(store: Store, host: WorldHost, run: string): Promise<boolean> {
  const rows = await ledgerEntriesFrom(store, run, { fromSeq: 0, limit: LIMITS.ledgerEntryCount });
  const stored = { entries: rows.map(({ bytes }) => bytes), head: (await findLedgerHead(store, run))?.envelope };
  return host.read((journal) => isDeepStrictEqual(stored, { entries: journal.entries(run), head: journal.head(run) }));
}

/** Runs `use` with the host's own copy of the store. */
export async function withStore<T>(host: WorldHost, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openSqliteStore(join(storeFolder(host), 'store.sqlite'));
  try {
    return await use(store);
  } finally {
    await store.destroy();
  }
}
