/**
 * The whole constellation in one process, on temporary folders and loopback ports: key ceremony, control plane with its
 * reports, published releases, hosts with real agents. Only the network between machines is missing.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ceremony, holdCeremony, validUntil } from '../../control-plane/cli/ceremony.ts';
import { connectOperator, type OperatorClient, operatorTrustSource } from '../../control-plane/cli/client.ts';
import { Home } from '../../control-plane/cli/home.ts';
import { type Publisher, publishChange, refreshHome, trustedRole } from '../../control-plane/cli/publication.ts';
import { pushRelease } from '../../control-plane/cli/push.ts';
import { ReportService } from '../../control-plane/report/report-service.ts';
import { folderSink } from '../../control-plane/report/sinks/folder.ts';
import {
  type ControlPlane,
  createControlPlane,
  issueOperator,
  startControlPlane,
} from '../../control-plane/service.ts';
import { listRuns } from '../../control-plane/store/runs.ts';
import { sha256 } from '../../shared/digest.ts';
import { openKtr } from '../../shared/release/ktr.ts';
import type { EnrolmentBundle } from '../../shared/rpc/enrolment-bundle.ts';
import type { Run, RunUpdate } from '../../shared/rpc/generated/messages.ts';
import type { Role } from '../../shared/rpc/peer-identity.ts';
import { systemClock } from '../../shared/time/clock.ts';
import type { PublicKey, SigningKey } from '../../shared/trust/keys.ts';
import {
  type AcceptedSubGap,
  FORBIDDEN_ACTIONS,
  POLICY_PATH,
  type Policy,
  parsePolicy,
} from '../../shared/trust/policy.ts';
import { fileNameOf, releaseRoleOf, versionOf } from '../../shared/trust/tuf-metadata.ts';
import { changeTargets, createSnapshot } from '../../shared/trust/tuf-repository.ts';
import type { NoteKey } from '../../shared/trust/verifier-key.ts';
import { type OwnersConfig, WorldHost } from './world-host.ts';
import { APP, type BuiltSample, DRYRUN_GAP } from './world-release.ts';

export interface WorldOptions {
  readonly acceptedGaps?: readonly AcceptedSubGap[];
  /** What the first policy forbids, if not everything. */
  readonly forbidden?: Policy['forbidden'];
  /** One of operations unless said. */
  readonly approvers?: readonly { readonly name: string; readonly team: string }[];
  /** Where its folder is made. */
  readonly parent?: string;
}

const HOUR_MS = 3_600_000;

export class World implements AsyncDisposable {
  readonly folder: string;
  readonly home: Home;
  /** Every error that the control plane heard of, with the action that it came from. */
  readonly errors: { readonly action: string; readonly error: unknown }[] = [];
  readonly #hosts: WorldHost[] = [];
  readonly #clients: OperatorClient[] = [];
  #ceremony: Ceremony | undefined;
  #plane: ControlPlane | undefined;
  #reports: ReportService | undefined;
  #ports = { join: 0, gateway: 0 };

  private constructor(parent: string) {
    this.folder = mkdtempSync(join(parent, 'keyturn-whole-'));
    this.home = new Home(join(this.folder, 'home'));
    mkdirSync(this.reportsFolder);
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    const { forbidden, parent = tmpdir() } = options;
    const world = new World(parent);
    const online = await createControlPlane(world.controlPlaneFolder);
    world.#ceremony = holdCeremony(ceremonyRequest(online, options));
    world.home.saveTrust(new Map([...world.#ceremony.metadata].filter(([file]) => file === fileNameOf('root'))));
    await world.startControlPlane();
    await world.#publishFirst();
    if (forbidden) await world.signPolicy((policy) => ({ ...policy, forbidden }));
    return world;
  }

  get controlPlaneFolder(): string {
    return this.home.controlPlane;
  }

  get reportsFolder(): string {
    return join(this.folder, 'reports');
  }

  get plane(): ControlPlane {
    if (this.#plane === undefined) throw new Error('the control plane is not running');
    return this.#plane;
  }

  /** As `keyturn serve` does; on the same ports as before, once it has run. */
  async startControlPlane(): Promise<void> {
    const host = '127.0.0.1';
    const plane = await startControlPlane({
      folder: this.controlPlaneFolder,
      listen: { join: { host, port: this.#ports.join }, gateway: { host, port: this.#ports.gateway } },
      onRunSettled: (runId) => this.#reports?.note(runId),
      onError: (action, error) => this.errors.push({ action, error }),
    });
    this.#plane = plane;
    this.#ports = { join: portOf(plane.addresses.join), gateway: portOf(plane.addresses.gateway) };
    this.#reports = new ReportService(plane, {
      sinks: [folderSink(this.reportsFolder)],
      onError: (runId, error) => this.errors.push({ action: `report ${runId}`, error }),
    });
    await this.#reports.resume();
  }

  async stopControlPlane(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    await this.#plane?.stop();
    await this.#reports?.settled();
    this.#plane = undefined;
  }

  /** Every agent stopped, the control plane running: where a test begins. */
  async backToRest(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.stopAgent()));
    if (this.#plane === undefined) await this.startControlPlane();
  }

  /** Resolves when the reports that are due so far are made. */
  async reportsSettled(): Promise<void> {
    await this.#reports?.settled();
  }

  /** Closed when the control plane stops. */
  async operator(role: Role): Promise<OperatorClient> {
    const identity = await issueOperator(this.controlPlaneFolder, { name: `test-${role}`, role });
    const client = connectOperator({ ...identity, address: this.plane.addresses.operator });
    this.#clients.push(client);
    return client;
  }

  async publisher(role: Role): Promise<Publisher> {
    const client = await this.operator(role);
    return { home: this.home, client, source: operatorTrustSource(client) };
  }

  async push(sample: BuiltSample): Promise<void> {
    const keys = { release: this.keysOf(releaseRoleOf(APP)), snapshot: this.keysOf('snapshot') };
    const publisher = await this.publisher('releaser');
    await pushRelease(await openKtr(sample.ktrPath), { publisher, keys, onProgress: () => undefined });
  }

  /** Of everybody whose approval the policy knows. */
  get approvers(): SigningKey[] {
    return this.keysOf('approvers');
  }

  /** Signs and publishes the policy that `change` makes of the first one. */
  async signPolicy(change: (policy: Policy) => Policy): Promise<void> {
    const content = Buffer.from(JSON.stringify(change(parsePolicy(this.#held.policy))));
    const policy = { length: content.length, sha256: sha256(content) };
    const now = new Date();
    await publishChange(await this.publisher('releaser'), (trusted) => {
      const signing = { expiresAt: validUntil(now, 'targets'), signers: this.keysOf('targets') };
      const targets = changeTargets(trustedRole(trusted, 'targets'), { policy }, signing);
      const snapshot = createSnapshot(trustedRole(trusted, 'snapshot'), new Map([['targets', targets]]), {
        expiresAt: validUntil(now, 'snapshot'),
        signers: this.keysOf('snapshot'),
      });
      const metadata = new Map([
        ['targets', targets],
        ['snapshot', snapshot],
      ]);
      return { metadata, targets: new Map([[POLICY_PATH, content]]) };
    });
  }

  /** A host that has joined, with the neighbour and the secret; its agent is not started. */
  async host(name = 'host-1', config: Partial<OwnersConfig> = {}, folder = name): Promise<WorldHost> {
    const host = new WorldHost(join(this.folder, folder), name);
    await host.enrol(await this.#enrolmentOf(name), config);
    this.#hosts.push(host);
    return host;
  }

  async deploy(host: WorldHost, version: string): Promise<string> {
    const operator = await this.operator('operator');
    return (await operator.deploy({ host: host.name, app: APP, version })).runId;
  }

  async rollback(host: WorldHost, version: string): Promise<string> {
    const operator = await this.operator('operator');
    return (await operator.rollback({ host: host.name, app: APP, version })).runId;
  }

  /** Resolves at the first update of the run for which `holds`; what was before counts as well. */
  async whenRun(runId: string, holds: (update: RunUpdate) => boolean): Promise<void> {
    const viewer = await this.operator('viewer');
    const stopped = new AbortController();
    const untilPhases = ['rolledBack'];
    try {
      for await (const update of viewer.watchRun({ runId, fromSeq: 0, untilPhases }, { signal: stopped.signal })) {
        if (holds(update)) return;
      }
    } finally {
      stopped.abort();
    }
    throw new Error(`the watch of run "${runId}" ended before what was awaited`);
  }

  /** As the control plane shows it. */
  async run(runId: string): Promise<Run> {
    const viewer = await this.operator('viewer');
    for await (const update of viewer.getRun({ runId })) if (update.news === 'run') return update.run;
    throw new Error(`the control plane does not know run "${runId}"`);
  }

  async runIdsOf(host: WorldHost): Promise<string[]> {
    const rows = await listRuns(this.plane.store, { host: host.name, limit: 100 });
    return rows.map(({ id }) => id);
  }

  /** What the control plane has asked a host for in a run, in order. */
  async directiveKinds(runId: string): Promise<string[]> {
    const directives = this.plane.store.selectFrom('directives').select('kind').where('run_id', '=', runId);
    return (await directives.orderBy('seq').execute()).map(({ kind }) => kind);
  }

  /** Names of the report documents that the folder sink has of the run, sorted. */
  reportFiles(runId: string): string[] {
    const all = readdirSync(this.reportsFolder, { recursive: true, withFileTypes: true });
    return all
      .filter((file) => file.isFile() && file.parentPath.endsWith(runId))
      .map(({ name }) => name)
      .sort();
  }

  /** Resolves when the run has ended, its report is made, received and told, and nothing is on its way any more. */
  async whenSettled(host: WorldHost, runId: string): Promise<void> {
    await this.whenRun(runId, isReportReceipt);
    await this.reportsSettled();
    await host.whenJournal((journal) => journal.outboxCount() === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts) await host[Symbol.asyncDispose]();
    await this.stopControlPlane();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** As the ceremony made them: `approvers`, `targets`, `release-<app>` and so on. */
  keysOf(role: string): SigningKey[] {
    return [...(this.#held.keys.get(role)?.values() ?? [])];
  }

  get #held(): Ceremony {
    if (this.#ceremony === undefined) throw new Error('no ceremony was held');
    return this.#ceremony;
  }

  async #publishFirst(): Promise<void> {
    const { metadata, policy } = this.#held;
    await this.plane.publish({
      metadata: [...metadata].map(([file, content]) => ({ name: `${versionOf(content)}.${file}`, content })),
      targets: [{ name: POLICY_PATH, content: policy }],
    });
  }

  async #enrolmentOf(host: string): Promise<EnrolmentBundle> {
    const publisher = await this.publisher('operator');
    const { trusted } = await refreshHome(publisher);
    const { token, caCertificate } = await publisher.client.createJoinToken({ host, lifetimeMs: HOUR_MS });
    return {
      schema: 'keyturn.enrolment/v1',
      host,
      addresses: { join: this.plane.addresses.join, gateway: this.plane.addresses.gateway },
      caCertificate,
      token,
      trust: Object.fromEntries([...trusted].map(([file, bytes]) => [file, Buffer.from(bytes)])),
    };
  }
}

/** Whether the ledger entry is the host's receipt of its report: the last thing that a run gets. */
export function isReportReceipt(update: RunUpdate): boolean {
  return update.news === 'entry' && update.entry.entry.includes('"check":"g8.report"');
}

export function isRefused(update: RunUpdate): boolean {
  return update.news === 'run' && update.run.refusalCode !== '';
}

export function isInPhase(phase: string): (update: RunUpdate) => boolean {
  return (update) => update.news === 'run' && update.run.phase === phase;
}

function ceremonyRequest(
  { timestampKey, log }: { timestampKey: PublicKey; log: NoteKey },
  { acceptedGaps = [DRYRUN_GAP], approvers = [{ name: 'ops-1', team: 'operations' }] }: WorldOptions,
) {
  return {
    root: { keys: 1, threshold: 1 },
    targets: { keys: 1, threshold: 1 },
    releasers: new Map([[APP, { keys: 1, threshold: 1 }]]),
    approvers: [...approvers],
    acceptedGaps: [...acceptedGaps],
    forbidden: [...FORBIDDEN_ACTIONS],
    timestampKey,
    log,
    now: new Date(systemClock.now()),
  };
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
