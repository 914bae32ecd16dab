/**
 * A copy of the proven host, with the parts of its agent that follow orders: a real journal, a real tree, a real sandbox. The test
 * holds the clocks, and the cable.
 */

import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import { GateKeeper, type GateView } from '../../host-agent/gate/gate-keeper.ts';
import { GateStore } from '../../host-agent/gate/gate-store.ts';
import { killsFirst } from '../../host-agent/gate/take-kill.ts';
import { type HostConfig, hostFolders, loadHostConfig } from '../../host-agent/host/host-config.ts';
import { SecretFolder } from '../../host-agent/host/secret-folder.ts';
import { DirectiveLog, type StoredDirective } from '../../host-agent/journal/directives.ts';
import { type JournalDatabase, openJournal } from '../../host-agent/journal/journal.ts';
import { JournalOutbox } from '../../host-agent/journal/outbox.ts';
import { IdentityStore } from '../../host-agent/link/identity-store.ts';
import { encodeLedgerEntry, encodeLiveReport, encodeOutcome, encodeReceipt } from '../../host-agent/link/report.ts';
import { GateSocket } from '../../host-agent/live/gate-socket.ts';
import { LiveRegistry } from '../../host-agent/live/live-registry.ts';
import { LiveStore } from '../../host-agent/live/live-store.ts';
import { HostKiller } from '../../host-agent/local/host-killer.ts';
import { KillFile } from '../../host-agent/local/kill-file.ts';
import { followEnable } from '../../host-agent/orders/follow-enable.ts';
import { OpenGates } from '../../host-agent/orders/keep-open.ts';
import type { OrderWork } from '../../host-agent/orders/order-loop.ts';
import { settle } from '../../host-agent/run/follow-directive.ts';
import { RunStore } from '../../host-agent/run/run-store.ts';
import type { Sandbox } from '../../host-agent/sandbox/sandbox.ts';
import { loadTrusted } from '../../host-agent/trust/metadata-store.ts';
import { TrustClient } from '../../host-agent/trust/trust-client.ts';
import { type RejectedError, TransientError } from '../../shared/errors.ts';
import { type LiveRunRecord, verifyLiveRun } from '../../shared/orders/live-run.ts';
import { type Receipt, verifyReceipt } from '../../shared/orders/receipt.ts';
import { directiveCodec, reportCodec } from '../../shared/rpc/definitions.ts';
import type { Directive, Enable, Report } from '../../shared/rpc/generated/messages.ts';
import { FakeClock } from '../../shared/time/fake-clock.ts';
import type { TrustSource } from '../../shared/trust/source.ts';
import { OUT, type ProvenWorld } from './proven-world.ts';
import { APP, INSTALL_ROOT } from './world-release.ts';

type Means = OrderWork['means'];

export class StandingHost implements AsyncDisposable {
  readonly folder: string;
  readonly clock = new FakeClock(Date.now());
  /** Beside what `clock` has advanced, which the steady clock does too. */
  steadyAheadMs = 0;
  /** Beside what `clock` says: a host's clock can be set. */
  clockAheadMs = 0;
  isInTouch = true;
  readonly refusals: string[] = [];
  readonly log: Readonly<Record<string, unknown>>[] = [];
  readonly #startedAtMs = this.clock.now();
  readonly #source: StandingSource;
  readonly #sandbox: Sandbox | undefined;
  #held: Promise<void> = Promise.resolve();
  #letGo: () => void = () => undefined;
  #parts: Parts;

  /** In a folder of its own, or in that of another one which is gone. */
  constructor(source: StandingSource, sandbox: Sandbox | undefined, folder?: string) {
    this.folder = folder ?? copyOf(source.host);
    this.#source = source;
    this.#sandbox = sandbox;
    chmodSync(this.out, 0o777); // a copy gets the modes of files alone
    this.#parts = this.#start();
  }

  get stateDirectory(): string {
    return join(this.folder, 'agent');
  }

  get rootPrefix(): string {
    return join(this.folder, 'root');
  }

  get installPath(): string {
    return join(this.rootPrefix, INSTALL_ROOT, `${APP}-1.0`);
  }

  /** Where live processes may write. */
  get out(): string {
    return join(this.rootPrefix, OUT);
  }

  get killFile(): string {
    return join(this.stateDirectory, 'KILL');
  }

  get means(): Means {
    return this.#parts.means;
  }

  get openGates(): OpenGates {
    return this.#parts.openGates;
  }

  get directives(): DirectiveLog {
    return this.#parts.directives;
  }

  get view(): GateView {
    return this.means.keeper.view(APP);
  }

  writeSecret(name: string, value: string): void {
    new SecretFolder(hostFolders(this.stateDirectory).secrets).write(name, Buffer.from(value));
  }

  removeSecret(name: string): void {
    rmSync(join(hostFolders(this.stateDirectory).secrets, name));
  }

  /** What a live process does from now on. */
  scenario(python: string): void {
    writeFileSync(join(this.out, 'scenario.py'), python);
  }

  /** Follows a directive as the loop of orders does. */
  async enable(enable: Enable): Promise<GateView> {
    await followEnable(enable, this.accept({ kind: 'enable', enable }), this.means);
    return this.view;
  }

  kill(reason = 'smoke in the room'): void {
    this.accept({ kind: 'kill', kill: { app: APP, order: Buffer.from(`kill for ${reason}`), reason } });
  }

  /** Makes a directive durable as the link does. */
  accept(message: Directive): StoredDirective {
    const stored = { seq: this.directives.lastSeq() + 1, bytes: directiveCodec.encode(message) };
    this.directives.accept({ ...stored, message });
    return stored;
  }

  /** Time passes for both clocks, a second at a time, with a look after each, as the loop of orders looks. */
  async pass(byMs: number): Promise<void> {
    for (let left = byMs; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000));
      await this.look();
    }
  }

  /** From now on no answer comes, and no refusal either. */
  hang(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    this.#letGo = resolve;
  }

  letGo(): void {
    this.#letGo();
  }

  /** Out of touch. */
  async passAlone(byMs: number): Promise<void> {
    this.isInTouch = false;
    await this.pass(byMs);
  }

  async look(): Promise<void> {
    this.openGates.look();
    await this.openGates.judgeDue();
  }

  /** The agent is started anew on what is durable. What ran is gone before. */
  async restart(): Promise<void> {
    if (this.#parts.database.open) await this.stop();
    this.#parts = this.#start();
  }

  /** As a stop does. */
  async stop(): Promise<void> {
    await this.means.registry.close('the agent stops');
    this.#parts.stopping.abort();
    await this.means.socket.close();
    this.#parts.database.close();
  }

  receipts(order: Uint8Array): Receipt[] {
    const key = { host: this.means.host, publicKey: this.means.hostPublicKey };
    return this.#reports().flatMap((report) => {
      if (report.kind !== 'orderReceipt' || !report.orderReceipt.order.equals(order)) return [];
      return [verifyReceipt(report.orderReceipt.receipt, { ...key, order })];
    });
  }

  /** What it has said of live runs, each time, oldest first. */
  liveReports(): LiveRunRecord[] {
    const key = { host: this.means.host, publicKey: this.means.hostPublicKey };
    return this.#reports().flatMap((report) =>
      report.kind === 'liveReport' ? [verifyLiveRun(report.liveReport.envelope, key)] : [],
    );
  }

  /** Everything that would leave the host, as text. */
  everythingSent(): string {
    return this.means.outbox
      .pendingAfter(0, 10_000)
      .map(({ bytes }) => Buffer.from(bytes).toString('latin1'))
      .join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#parts.database.open) await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #reports(): Report[] {
    return this.means.outbox.pendingAfter(0, 10_000).map(({ bytes }) => reportCodec.decode(bytes));
  }

  #start(): Parts {
    const { stateDirectory } = this;
    const config = loadHostConfig(stateDirectory);
    mkdirSync(hostFolders(stateDirectory).secrets, { recursive: true });
    const database = openJournal(stateDirectory);
    const stopping = new AbortController();
    const outbox = new JournalOutbox(database);
    const gates = new GateStore(database);
    const registry = new LiveRegistry();
    const nowMs = () => this.clock.now() + this.clockAheadMs;
    const keeper = new GateKeeper({
      store: gates,
      nowMs,
      steadyMs: () => this.clock.now() - this.#startedAtMs + this.steadyAheadMs,
      onClosed: (app, reason) => registry.stop(app, reason),
    });
    keeper.restart();
    const directives = new DirectiveLog(database, killsFirst(keeper));
    const means = this.#means({ config, database, outbox, gates, registry, keeper, directives, stopping, nowMs });
    return { database, stopping, means, directives, openGates: new OpenGates(means) };
  }

  #means(parts: MeansParts): Means {
    const { config, database, outbox, gates, registry, keeper, directives, stopping, nowMs } = parts;
    const { host, labels } = config;
    const folders = hostFolders(this.stateDirectory);
    const killer = new HostKiller({ database, keeper, nowMs, onKilled: () => undefined });
    const killFile = new KillFile({ path: this.killFile, killer });
    const hostKey = new IdentityStore(folders.identity).openLedgerKey();
    const hostPublicKey = hostKey.publicKeyPem;
    const now = () => new Date(nowMs());
    const encodeLedgerReport = ({ run, ...rest }: { run: string; seq: number; entry: Buffer; head: Buffer }) =>
      encodeLedgerEntry({ runId: run, ...rest });
    return {
      ...{ host, labels, hostKey, hostPublicKey, now, nowMs, database, outbox, gates, registry, keeper },
      rootPrefix: this.rootPrefix,
      hidden: [this.stateDirectory],
      killFile: this.killFile,
      obeyKillFile: () => killFile.obey(),
      isCaughtUp: () => true,
      signal: stopping.signal,
      store: new RunStore({ database, outbox, host, hostKey, now, encodeLedgerReport }),
      trust: new TrustClient({ db: database, source: this.#cable(), rules: 'keyturn', now }),
      trusted: () => loadTrusted(database),
      settle: (stored, refusalCode) => settle(stored, { means: { directives, outbox, encodeOutcome }, refusalCode }),
      onRefused: (_stored, error: RejectedError) => this.refusals.push(error.code),
      lives: new LiveStore(database),
      secrets: new SecretFolder(folders.secrets),
      sandbox: this.#sandbox,
      socket: new GateSocket({
        path: join(folders.runtime, 'gate.sock'),
        ...{ host, hostPublicKey, keeper, registry, nowMs },
      }),
      onLiveTrouble: (error) => this.log.push({ trouble: String(error) }),
      log: this.#logger(),
      ...{ encodeReceipt, encodeLiveReport },
    };
  }

  /** To the control plane, as long as it is plugged in. */
  #cable(): TrustSource {
    const { trustSource } = this.#source;
    const through = async function* (host: StandingHost, bytes: () => AsyncIterable<Uint8Array>) {
      await host.#held;
      if (!host.isInTouch) throw new TransientError('the cable is out');
      yield* bytes();
    };
    return {
      fetchMetadata: (name) => through(this, () => trustSource.fetchMetadata(name)),
      fetchTarget: (path) => through(this, () => trustSource.fetchTarget(path)),
    };
  }

  #logger(): Logger {
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      this.log.push(JSON.parse(chunk.toString('utf8')));
      done();
    };
    return pino({ level: 'info' }, new Writable({ write }));
  }
}

export type StandingSource = Pick<ProvenWorld, 'trustSource'> & Partial<Pick<ProvenWorld, 'host'>>;

function copyOf(host: ProvenWorld['host'] | undefined): string {
  if (!host) throw new Error('there is no host to copy');
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-standing-'));
  for (const [from, name] of [
    [host.stateDirectory, 'agent'],
    [host.rootPrefix, 'root'],
  ] as const) {
    cpSync(from, join(folder, name), { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  }
  return folder;
}

interface Parts {
  readonly database: JournalDatabase;
  readonly stopping: AbortController;
  readonly means: Means;
  readonly directives: DirectiveLog;
  readonly openGates: OpenGates;
}

interface MeansParts
  extends Pick<Means, 'outbox' | 'gates' | 'registry' | 'keeper' | 'nowMs'>,
    Pick<Parts, 'database'> {
  readonly config: HostConfig;
  readonly directives: DirectiveLog;
  readonly stopping: AbortController;
}
