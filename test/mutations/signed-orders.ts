/**
 * What honest people have decided about the host as it stands, in the log that the policy names: what opens its gate, what
 * rules on its run. A host's ledger differs each time, so these are signed for it once it is there.
 */
import { sha256 } from '../../shared/digest.ts';
import { parseEntry } from '../../shared/ledger/entry.ts';
import { type EnableOrder, encodeEnableOrder } from '../../shared/orders/enable-order.ts';
import { type EvidenceLeaf, type EvidenceProof, EvidenceTree } from '../../shared/orders/evidence-leaf.ts';
import { encodeKillRecord } from '../../shared/orders/kill-record.ts';
import { encodeRuling, type Ruling as RulingStatement } from '../../shared/orders/ruling.ts';
import type { Enable, Kill, Ruling, RunLive } from '../../shared/rpc/generated/messages.ts';
import { encodeLogRecord, type LogKind } from '../../shared/transparency/log-record.ts';
import { signEnvelope } from '../../shared/trust/dsse.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import { TestLog } from '../support/enable-world.ts';
import { GAP_CHECK, LIVE_ENTRYPOINT } from './built-release.ts';
import type { JournalView } from './host-state.ts';
import { INSTALLED_RUN } from './session-trials.ts';
import type { SignedRepository } from './signed-repository.ts';

export const APP = 'cutter';
export const LIVE_RUN = '01ARZ3NDEKTSV4RRFFQ69G5FB0';
const HOST = 'devhost-1';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Everything that was signed in honesty, and the messages that carry it. */
export interface SignedOrders {
  /** To the host as it was before the gap was waived: signed all the same, and never to be followed. */
  readonly tooEarly: Enable;
  /** To the host as it was before its gate was ever closed; it has opened that gate. */
  readonly spent: Enable;
  /** To the host as it stands `closed`. */
  readonly enable: Enable;
  readonly waiver: Ruling;
  readonly forgedEnables: readonly (readonly [string, Enable])[];
  readonly forgedRulings: readonly (readonly [string, Ruling])[];
  /** To the host as it stands `open`, for when a kill has closed it. */
  readonly enableAfterKill: Enable;
  /** The order that has opened it, with its place in the log of today. */
  readonly enableAgain: Enable;
  readonly kill: Kill;
  readonly runLive: RunLive;
  /** The epoch of each order that may open the gate, by the digest of its envelope. */
  readonly epochOf: ReadonlyMap<string, number>;
  /** Digests of the rulings that may be followed. */
  readonly rulings: ReadonlySet<string>;
}

/** What an order says otherwise than an honest one. */
export interface OrderChange {
  readonly order?: Partial<EnableOrder>;
  readonly leaf?: Partial<EvidenceLeaf>;
  readonly signers?: readonly SigningKey[];
  readonly log?: TestLog;
}

export class OrderDesk {
  readonly #repository: SignedRepository;
  readonly #journal: JournalView;
  readonly log: TestLog;
  readonly #nowMs: number;
  #nonces = 0;

  constructor(repository: SignedRepository, { journal, nowMs }: { journal: JournalView; nowMs: number }) {
    this.#repository = repository;
    this.#journal = journal;
    this.#nowMs = nowMs;
    this.log = new TestLog(repository.deciders.log);
  }

  /** An order to enable, for this host among others. */
  enable({ order, leaf: change, signers, log = this.log }: OrderChange = {}): Enable {
    const leaf = { host: HOST, run: INSTALLED_RUN, head: this.#head(), epoch: this.#epoch(), ...change };
    const others = ['devhost-0', 'devhost-2'].map((host) => ({ ...leaf, host, head: sha256(host) }));
    const evidence = new EvidenceTree([leaf, ...others]);
    const { index, path } = evidence.proofFor(leaf.host) as EvidenceProof;
    const payload = encodeEnableOrder({ ...this.#order(evidence), ...order });
    const envelope = this.#sign(payload, signers);
    return {
      app: APP,
      envelope,
      runId: leaf.run,
      head: leaf.head,
      epoch: leaf.epoch,
      evidenceIndex: index,
      evidencePath: path.map((hash) => Buffer.from(hash)),
      ...this.logged('enable', envelope, log),
    };
  }

  /** A waiver of the gap of the installed run. */
  ruling({
    ruling,
    signers,
    log,
  }: Omit<OrderChange, 'order' | 'leaf'> & { ruling?: Partial<RulingStatement> } = {}): Ruling {
    const payload = encodeRuling({
      host: HOST,
      run: INSTALLED_RUN,
      head: this.#head(),
      check: GAP_CHECK,
      decision: 'waive',
      stopGate: undefined,
      expiresMs: this.#nowMs + DAY_MS,
      issuedAtMs: this.#nowMs,
      reason: 'the counts are compared by hand',
      ...ruling,
    });
    const envelope = this.#sign(payload, signers);
    return { runId: INSTALLED_RUN, envelope, ...this.logged('ruling', envelope, log) };
  }

  kill(): Kill {
    const said = { app: APP, reason: 'it misbehaves' };
    const record = { from: 'session', hosts: [HOST], by: 'operator-1', atMs: this.#nowMs, ...said } as const;
    return { ...said, order: encodeKillRecord(record) };
  }

  /** Enters it in the log, and proves that to the host as it stands. */
  logged(kind: LogKind, envelope: Buffer, log = this.log): { logProof: Buffer; logConsistency: Buffer[] } {
    const index = log.append(encodeLogRecord(kind, envelope));
    log.append(Buffer.from('a later entry'));
    const seen = this.#journal.count('select coalesce(max(size), 0) as n from log_checkpoints');
    return { logProof: log.proof(index), logConsistency: seen === 0 || seen > log.size ? [] : log.consistency(seen) };
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  #order(evidence: EvidenceTree): EnableOrder {
    const { app, version, treeDigest } = this.#repository.newest.statement;
    this.#nonces += 1;
    return {
      app,
      version,
      treeDigest,
      entrypoints: [LIVE_ENTRYPOINT],
      issuedAtMs: this.#nowMs,
      notBeforeMs: this.#nowMs - MINUTE_MS,
      expiresMs: this.#nowMs + DAY_MS,
      leaseMs: DAY_MS,
      nonce: sha256(`nonce ${this.#nonces}`).slice(0, 32),
      reason: 'the cut of November',
      evidence: { root: evidence.root().toString('hex'), size: evidence.size },
    };
  }

  #sign(payload: Buffer, signers: readonly SigningKey[] = this.#repository.deciders.approvers): Buffer {
    return signEnvelope(STATEMENT_PAYLOAD_TYPE, payload, signers);
  }

  #head(): string {
    const entries = (this.#journal.rows().get('ledger_entries') ?? []).filter(({ run }) => run === INSTALLED_RUN);
    return parseEntry(entries.at(-1)?.bytes as Buffer).digest;
  }

  #epoch(): number {
    return this.#journal.gates().get(APP)?.epoch ?? 0;
  }
}
