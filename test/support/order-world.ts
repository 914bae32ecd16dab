/**
 * A release that stands proven on real hosts, the keys of everybody, and a control plane whose owner may write whatever they want into
 * the directives of a host: the place from which the order path is attacked over the real wire.
 */

import { openTimestampKey } from '../../control-plane/authority/timestamp-key.ts';
import type { PublicationRow } from '../../control-plane/store/schema.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import type { Policy } from '../../shared/trust/policy.ts';
import { createTimestamp } from '../../shared/trust/tuf-repository.ts';
import { ProvenHost, VERSION } from './proven-host.ts';
import { isInPhase, World } from './world.ts';
import type { WorldHost } from './world-host.ts';
import { type BuiltSample, buildSample, PASSING_GATES, type SampleSpec } from './world-release.ts';

/** Whose quorum is two of operations and one of security. */
const APPROVERS = [
  { name: 'ops-1', team: 'operations' },
  { name: 'ops-2', team: 'operations' },
  { name: 'sec-1', team: 'security' },
];
const HOUR_MS = 3_600_000;

export interface OrderWorldOptions {
  readonly files?: SampleSpec['files'];
  readonly gates?: SampleSpec['gates'];
}

export class OrderWorld implements AsyncDisposable {
  readonly world: World;
  readonly #sample: BuiltSample;
  #hostCount = 0;

  private constructor(world: World, sample: BuiltSample) {
    this.world = world;
    this.#sample = sample;
  }

  static async start({ files = {}, gates = PASSING_GATES }: OrderWorldOptions = {}): Promise<OrderWorld> {
    const sample = await buildSample({ version: VERSION, gates, files });
    const world = await World.start({ approvers: APPROVERS });
    await world.push(sample);
    return new OrderWorld(world, sample);
  }

  get approvers(): SigningKey[] {
    return this.world.keysOf('approvers');
  }

  /** A host where the release stands proven; its agent runs. */
  async provenHost(name = `ordered-${++this.#hostCount}`): Promise<ProvenHost> {
    const host = await this.world.host(name);
    await host.startAgent();
    const run = await this.world.deploy(host, VERSION);
    await this.world.whenSettled(host, run);
    return new ProvenHost(this, host, run);
  }

  /** A host whose run has failed, for want of what `spoil` takes away; its agent runs. */
  async failedHost(spoil: (host: WorldHost) => void): Promise<ProvenHost> {
    const host = await this.world.host(`failed-${++this.#hostCount}`);
    spoil(host);
    await host.startAgent();
    const run = await this.world.deploy(host, VERSION);
    await this.world.whenSettled(host, run);
    return new ProvenHost(this, host, run);
  }

  /** The release is taken away again, as an operator orders it. */
  async rollBack({ host, run }: ProvenHost): Promise<void> {
    await this.world.rollback(host, VERSION);
    await this.world.whenRun(run, isInPhase('rolledBack'));
    await host.whenJournal((journal) => journal.outboxCount() === 0);
  }

  /** Orders the same release for the host once more; the run finds its target taken. */
  async redeployed({ host }: ProvenHost): Promise<string> {
    return this.world.deploy(host, VERSION);
  }

  /** The host with a new identity and an empty journal, under its old name. */
  async rejoined({ name, run }: ProvenHost): Promise<ProvenHost> {
    const host = await this.world.host(name, {}, `${name}-again`);
    return new ProvenHost(this, host, run);
  }

  /** Which metadata the control plane shows. */
  async publication(): Promise<PublicationRow> {
    return this.world.plane.store.selectFrom('publication').selectAll().executeTakeFirstOrThrow();
  }

  /** Metadata that was published once is shown as the newest, under a timestamp that the control plane signs for it. */
  async whileShown<T>(earlier: PublicationRow, act: () => Promise<T>): Promise<T> {
    const newest = await this.publication();
    await this.#show(earlier);
    try {
      return await act();
    } finally {
      await this.#show(newest);
    }
  }

  async #show({ id, snapshot, targets, root }: PublicationRow): Promise<void> {
    const { store } = this.world.plane;
    const timestamp = (await this.publication()).timestamp + 1;
    const content = createTimestamp(
      await this.#metadata('timestamp.json'),
      await this.#metadata(`${snapshot}.snapshot.json`),
      {
        expiresAt: new Date(Date.now() + HOUR_MS),
        key: openTimestampKey(this.world.controlPlaneFolder),
      },
    );
    await store.updateTable('metadata_files').set({ content }).where('name', '=', 'timestamp.json').execute();
    await store.updateTable('publication').set({ snapshot, targets, root, timestamp }).where('id', '=', id).execute();
  }

  async #metadata(name: string): Promise<Buffer> {
    const files = this.world.plane.store.selectFrom('metadata_files').select('content');
    return (await files.where('name', '=', name).executeTakeFirstOrThrow()).content;
  }

  /** Another policy is in force until `act` has come to its end. */
  async withPolicy(change: (policy: Policy) => Policy, act: () => Promise<unknown>): Promise<void> {
    await this.world.signPolicy(change);
    try {
      await act();
    } finally {
      await this.world.signPolicy((policy) => policy);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
    this.#sample[Symbol.dispose]();
  }
}
