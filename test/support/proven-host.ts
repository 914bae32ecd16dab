/** A host on which a release stands proven, as seen by whoever owns the control plane. */

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { sql } from 'kysely';
import { appendDirective, lastDirectiveSeq } from '../../control-plane/store/directives.ts';
import { findHost } from '../../control-plane/store/hosts.ts';
import { sha256 } from '../../shared/digest.ts';
import { parseEntry } from '../../shared/ledger/entry.ts';
import { type EnableOrder, encodeEnableOrder } from '../../shared/orders/enable-order.ts';
import { type EvidenceLeaf, EvidenceTree } from '../../shared/orders/evidence-leaf.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Directive, Enable } from '../../shared/rpc/generated/messages.ts';
import { signEnvelope } from '../../shared/trust/dsse.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import type { World } from './world.ts';
import type { AgentRunOptions, WorldHost } from './world-host.ts';
import { APP } from './world-release.ts';

export const VERSION = '1.0.0';
const MINUTE_MS = 60_000;
const NO_ANSWER = 'no answer';

/** What a host is attacked from. */
export interface OrderSide {
  readonly world: World;
  readonly approvers: readonly SigningKey[];
}

/** What is wrong with an offer; all as it should be unless said. */
export interface Offer {
  readonly order?: Partial<EnableOrder>;
  /** What the order is bound to on this host. */
  readonly leaf?: Partial<EvidenceLeaf>;
  readonly keys?: readonly SigningKey[];
  readonly envelope?: (envelope: Buffer) => Buffer;
  /** The directive, with everything in it. */
  readonly claims?: (enable: Enable) => Partial<Enable>;
}

export class ProvenHost {
  readonly host: WorldHost;
  readonly run: string;
  readonly #orders: OrderSide;

  constructor(orders: OrderSide, host: WorldHost, run: string) {
    this.#orders = orders;
    this.host = host;
    this.run = run;
  }

  get name(): string {
    return this.host.name;
  }

  /** What a true order is bound to. */
  leaf(epoch = this.epoch): EvidenceLeaf {
    const last = this.host.read((journal) => journal.entries(this.run)).at(-1);
    if (!last) throw new Error(`run "${this.run}" has no entries`);
    return { host: this.name, run: this.run, head: parseEntry(last).digest, epoch };
  }

  get installPath(): string {
    return join(this.host.installRoot, `${APP}-${VERSION}`);
  }

  get epoch(): number {
    return this.host.read((journal) => journal.gateState(APP)?.epoch ?? 0);
  }

  get isOpen(): boolean {
    return this.host.read((journal) => journal.gateState(APP)?.state === 'open');
  }

  /** Whether the gate was ever opened. */
  get wasOpened(): boolean {
    return this.host.read((journal) => journal.spentCount(APP) > 0);
  }

  /** Puts an offer into the log and makes the directive of it. */
  async enable({
    order = {},
    leaf = {},
    keys,
    envelope: change = same,
    claims = () => ({}),
  }: Offer = {}): Promise<Enable> {
    const { plane } = this.#orders.world;
    const bound = { ...this.leaf(), ...leaf };
    const tree = new EvidenceTree([bound]);
    const payload = encodeEnableOrder({ ...this.#order(), evidence: rootOf(tree), ...order });
    const envelope = change(signEnvelope(STATEMENT_PAYLOAD_TYPE, payload, keys ?? this.#orders.approvers));
    const [index = 0] = await plane.log.append([{ kind: 'enable', document: envelope }]);
    const { size, proof } = await plane.log.proofOf(index);
    const seen = await this.#seenSize();
    const enable: Enable = {
      app: APP,
      envelope,
      runId: bound.run,
      head: bound.head,
      epoch: bound.epoch,
      evidenceIndex: 0,
      evidencePath: [],
      logProof: proof,
      logConsistency: seen === 0 ? [] : await plane.log.consistency(seen, size),
    };
    return { ...enable, ...claims(enable) };
  }

  /** Writes a directive where the host finds it; nobody wakes its session. Gives its number. */
  async put(directive: Directive): Promise<number> {
    const bytes = directiveCodec.encode(directive);
    const about = { run_id: sha256(bytes), kind: 'enable' as const, bytes, created_at: Date.now() };
    return appendDirective(this.#orders.world.plane.store, { ...(await this.#addressee()), ...about });
  }

  /**
   * Welcomes the host with word of the directive and never sends it, until `act` has come to its end: it is taken away again when the
   * session is written down, which is between the two. No session may be open meanwhile.
   */
  async whileKeptBack(directive: Directive, act: () => Promise<void>): Promise<void> {
    const { world } = this.#orders;
    // So that the end of an earlier session is not what it is taken away by.
    await world.stopControlPlane();
    await world.startControlPlane();
    const seq = await this.put(directive);
    await sql`create trigger kept_back after update of last_seen_at on hosts when new.name = ${sql.lit(this.name)} begin
      delete from directives where host = ${sql.lit(this.name)} and seq = ${sql.lit(seq)}; end`.execute(
      world.plane.store,
    );
    try {
      await act();
    } finally {
      await this.host.stopAgent();
      await sql`drop trigger kept_back`.execute(world.plane.store);
    }
  }

  /** Of this host's run, by whoever owns its disk; no agent may run meanwhile. */
  rewriteJournal(statement: string): void {
    const journal = new Database(join(this.host.stateDirectory, 'journal.sqlite'));
    try {
      if (journal.prepare(statement).run(this.run).changes === 0) throw new Error('nothing was rewritten');
    } finally {
      journal.close();
    }
  }

  async lastSeq(): Promise<number> {
    return lastDirectiveSeq(this.#orders.world.plane.store, await this.#addressee());
  }

  /** The agent is started anew, follows all that is there, and has told so. */
  async followAll(options: AgentRunOptions = {}): Promise<void> {
    await this.host.stopAgent();
    const lastSeq = await this.lastSeq();
    await this.host.startAgent(options);
    await this.host.whenJournal((journal) => journal.lastDirectiveSeq() >= lastSeq && journal.unhandledCount() === 0);
    while ((await this.outcomeOf(lastSeq)) === NO_ANSWER) await new Promise(setImmediate);
  }

  /** What the host said about a directive: `accepted`, or the code of its refusal. */
  async outcomeOf(seq: number): Promise<string> {
    const { host, incarnation } = await this.#addressee();
    const row = await this.#orders.world.plane.store
      .selectFrom('directives')
      .select('outcome')
      .where('host', '=', host)
      .where('incarnation', '=', incarnation)
      .where('seq', '=', seq)
      .executeTakeFirst();
    return row?.outcome ?? NO_ANSWER;
  }

  /** Sends an offer, and gives what the host answered. */
  async answerTo(offer: Offer): Promise<string> {
    const seq = await this.put({ kind: 'enable', enable: await this.enable(offer) });
    await this.followAll();
    return this.outcomeOf(seq);
  }

  /** Resolves once the gate is closed; gives the reason. */
  async whenClosed(): Promise<string> {
    let reason = '';
    await this.host.whenJournal((journal) => {
      const state = journal.gateState(APP);
      if (state?.state !== 'closed') return false;
      reason = state.reason;
      return true;
    });
    return reason;
  }

  /** Opens the gate as it should be. */
  async open(offer: Offer = {}, options: AgentRunOptions = {}): Promise<Enable> {
    const enable = await this.enable(offer);
    const seq = await this.put({ kind: 'enable', enable });
    await this.followAll(options);
    const outcome = await this.outcomeOf(seq);
    if (outcome !== 'accepted' || !this.isOpen) throw new Error(`the honest order was answered with "${outcome}"`);
    return enable;
  }

  /** As an operator does, with an order that is as it should be; resolves when the host has followed it and told so. */
  async send(): Promise<void> {
    const { envelope, runId, head, epoch } = await this.enable();
    const operator = await this.#orders.world.operator('operator');
    const { order } = await operator.sendEnable({ envelope, leaves: [{ host: this.name, runId, head, epoch }] });
    for await (const update of operator.watchOrder({ order })) if (update.receipt.length > 0) break;
    if (!this.isOpen) throw new Error('the honest order was not admitted');
  }

  /** As an operator does; the host need not be there. */
  async kill(reason = 'a test'): Promise<void> {
    const operator = await this.#orders.world.operator('operator');
    await operator.kill({ app: APP, hosts: [this.name], reason, envelope: Buffer.alloc(0) });
  }

  #order(): Omit<EnableOrder, 'evidence'> {
    const nowMs = Date.now();
    const admitted = parseEntry(this.host.read((journal) => journal.entries(this.run))[0] ?? Buffer.alloc(0)).entry
      .body;
    if (admitted.type !== 'run-admitted') throw new Error(`run "${this.run}" was not admitted`);
    return {
      app: APP,
      version: VERSION,
      treeDigest: admitted.treeDigest,
      entrypoints: ['live'],
      issuedAtMs: nowMs - MINUTE_MS,
      notBeforeMs: nowMs - MINUTE_MS,
      expiresMs: nowMs + 60 * MINUTE_MS,
      leaseMs: 10 * MINUTE_MS,
      nonce: sha256(`${nowMs} ${Math.random()}`).slice(0, 32),
      reason: 'an attack, or what it is held against',
    };
  }

  async #addressee(): Promise<{ host: string; incarnation: number }> {
    const found = await findHost(this.#orders.world.plane.store, this.name);
    return { host: this.name, incarnation: found?.incarnation ?? 0 };
  }

  async #seenSize(): Promise<number> {
    return this.host.read((journal) => journal.seenLogSize());
  }
}

function rootOf(tree: EvidenceTree): EnableOrder['evidence'] {
  return { root: tree.root().toString('hex'), size: tree.size };
}

function same(envelope: Buffer): Buffer {
  return envelope;
}
