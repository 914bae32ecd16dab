/** A real control plane on loopback with real hosts beside it, each in its own temporary folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connectOperator, type OperatorClient, type OperatorConnection } from '../../control-plane/cli/client.ts';
import {
  type ControlPlane,
  type ControlPlaneConfig,
  createControlPlane,
  issueOperator,
  startControlPlane,
} from '../../control-plane/service.ts';
import { enrol } from '../../host-agent/link/enrol.ts';
import { IdentityStore } from '../../host-agent/link/identity-store.ts';
import { Link, type LinkOptions, type LinkState } from '../../host-agent/link/link.ts';
import type { Role } from '../../shared/rpc/peer-identity.ts';
import { FakeClock } from '../../shared/time/fake-clock.ts';
import type { PublicKey } from '../../shared/trust/keys.ts';
import { SqliteJournalPorts } from './sqlite-journal-ports.ts';
import { TrustCeremony } from './trust-ceremony.ts';

export const HOUR_MS = 60 * 60 * 1000;

export class ControlPlaneWorld {
  /** The control plane's clock. It begins at the real time, because TLS has no other. */
  readonly clock = new FakeClock(Date.now());
  readonly folder = mkdtempSync(join(tmpdir(), 'keyturn-world-'));
  /** Every error that the control plane heard of, with the method that it came from. */
  readonly errors: { action: string; error: unknown }[] = [];
  readonly settledRuns: string[] = [];
  readonly #closers: (() => Promise<void> | void)[] = [];
  #controlPlane: ControlPlane | undefined;
  #ports = { join: 0, gateway: 0, operator: 0 };
  caCertificate = '';
  timestampKey: PublicKey | undefined;

  static async start(): Promise<ControlPlaneWorld> {
    const world = new ControlPlaneWorld();
    const made = await createControlPlane(world.controlPlaneFolder, world.clock);
    world.caCertificate = made.caCertificate;
    world.timestampKey = made.timestampKey;
    await world.startControlPlane();
    return world;
  }

  get controlPlaneFolder(): string {
    return join(this.folder, 'control-plane');
  }

  get controlPlane(): ControlPlane {
    if (this.#controlPlane === undefined) throw new Error('the control plane is not running');
    return this.#controlPlane;
  }

  /** On the same ports as before, once it has run. */
  async startControlPlane(config: Partial<ControlPlaneConfig> = {}): Promise<void> {
    const host = '127.0.0.1';
    const { join: joining, gateway, operator } = this.#ports;
    this.#controlPlane = await startControlPlane({
      folder: this.controlPlaneFolder,
      listen: { join: { host, port: joining }, gateway: { host, port: gateway }, operator: { host, port: operator } },
      clock: this.clock,
      onError: (action, error) => this.errors.push({ action, error }),
      onRunSettled: (runId) => this.settledRuns.push(runId),
      ...config,
    });
    const { addresses } = this.#controlPlane;
    this.#ports = {
      join: portOf(addresses.join),
      gateway: portOf(addresses.gateway),
      operator: portOf(addresses.operator),
    };
  }

  async stopControlPlane(): Promise<void> {
    await this.#controlPlane?.stop();
    this.#controlPlane = undefined;
  }

  /** Closed with the world. */
  async operator(role: Role, name = `test-${role}`): Promise<OperatorClient> {
    return this.dialOperator(await issueOperator(this.controlPlaneFolder, { name, role }, this.clock));
  }

  dialOperator(identity: Omit<OperatorConnection, 'address'>): OperatorClient {
    const client = connectOperator({ ...identity, address: this.controlPlane.addresses.operator });
    this.#closers.push(() => client.close());
    return client;
  }

  /** A host that has joined. */
  async enrolledHost(name: string): Promise<TestHost> {
    const host = new TestHost(this, name);
    await host.enrol();
    return host;
  }

  ceremony(options: { timestampExpiresMs?: number } = {}): TrustCeremony {
    return new TrustCeremony(this.timestampKey as PublicKey, { now: this.clock.now(), ...options });
  }

  /** Runs when the world is stopped, the last one first. */
  onStop(closer: () => Promise<void> | void): void {
    this.#closers.push(closer);
  }

  async stop(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    await this.stopControlPlane();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One host: its identity, its journal, and a link when it is started. */
export class TestHost {
  readonly world: ControlPlaneWorld;
  readonly name: string;
  readonly folder: string;
  readonly identity: IdentityStore;
  readonly journal: SqliteJournalPorts;
  /** The host's own clock. */
  readonly clock: FakeClock;
  readonly states: LinkState[] = [];
  readonly trouble: unknown[] = [];
  trustHints = 0;
  #watchers: { holds: (state: LinkState) => boolean; resolve: () => void }[] = [];

  constructor(world: ControlPlaneWorld, name: string) {
    this.world = world;
    this.name = name;
    this.folder = mkdtempSync(join(world.folder, `${name}-`));
    this.identity = new IdentityStore(join(this.folder, 'identity'));
    this.journal = new SqliteJournalPorts(join(this.folder, 'journal.sqlite'));
    this.clock = new FakeClock(world.clock.now());
    world.onStop(() => this.journal.close());
  }

  async enrol(token?: string): Promise<void> {
    const operator = await this.world.operator('operator', 'enroller');
    const made = token ?? (await operator.createJoinToken({ host: this.name, lifetimeMs: HOUR_MS })).token;
    const { join: joining, gateway } = this.world.controlPlane.addresses;
    await enrol(this.identity, {
      host: this.name,
      token: made,
      addresses: { join: joining, gateway },
      caCertificate: this.world.caCertificate,
    });
  }

  /** A link that is stopped with the world. */
  startLink(options: Partial<LinkOptions> = {}): Link {
    const link = new Link({
      host: this.name,
      address: options.address ?? this.world.controlPlane.addresses.gateway,
      identity: this.identity,
      inbox: this.journal,
      outbox: this.journal,
      clock: this.clock,
      agentVersion: '0.0.0-test',
      random: () => 0.5,
      onTrustHint: () => {
        this.trustHints += 1;
      },
      onState: (state) => this.#sawState(state),
      onTrouble: (error) => this.trouble.push(error),
      ...options,
    });
    this.world.onStop(() => link.stop());
    link.start();
    return link;
  }

  /** Resolves at the next state for which `holds`, or at once if the present one does. */
  whenState(holds: (state: LinkState) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const present = this.states.at(-1);
      if (present !== undefined && holds(present)) resolve();
      else this.#watchers.push({ holds, resolve });
    });
  }

  whenOpen(): Promise<void> {
    return this.whenState((state) => state.name === 'open');
  }

  /** Lets the link dial, once for each wait, until what is awaited holds. */
  async dialUntil(holds: () => boolean): Promise<void> {
    let ended: LinkState | undefined;
    while (!holds()) {
      const state = this.states.at(-1);
      if (state?.name === 'dialing' && state !== ended) {
        ended = state;
        this.clock.advance(state.waitMs);
      }
      await new Promise(setImmediate);
    }
  }

  #sawState(state: LinkState): void {
    this.states.push(state);
    const content = this.#watchers.filter(({ holds }) => holds(state));
    this.#watchers = this.#watchers.filter(({ holds }) => !holds(state));
    for (const { resolve } of content) resolve();
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
