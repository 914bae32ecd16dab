/** People, a log, hosts and an honest enable order for them; each test changes one thing about it. */

import { encodeCanonical } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import type { EnableOffer, HostFacts, StandingRelease } from '../../shared/orders/admit.ts';
import { type EnableOrder, encodeEnableOrder } from '../../shared/orders/enable-order.ts';
import { type EvidenceLeaf, EvidenceTree } from '../../shared/orders/evidence-leaf.ts';
import { type Checkpoint, signCheckpoint } from '../../shared/transparency/checkpoint.ts';
import { encodeLogProof } from '../../shared/transparency/log-proof.ts';
import { encodeLogRecord } from '../../shared/transparency/log-record.ts';
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  type NodeReader,
  nodesCompletedBy,
  rootAt,
} from '../../shared/transparency/merkle.ts';
import type { NoteSigner } from '../../shared/transparency/signed-note.ts';
import { addSignature, parseEnvelope, preAuthEncoding, signEnvelope } from '../../shared/trust/dsse.ts';
import { generateKey, publicKeyHex, type SigningKey } from '../../shared/trust/keys.ts';
import { type Policy, type PolicyRule, parsePolicy } from '../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import { encodeVerifierKey } from '../../shared/trust/verifier-key.ts';
import { SecurityKey, type TouchOptions } from './security-key.ts';

export const NOW_MS = Date.parse('2026-11-22T12:00:00.000Z');
export const MINUTE_MS = 60_000;
export const HOST = 'contabo';

/** Anna, Bela and Dora operate, Carl is of security; Rita signs releases and operates; Fred has a second key. */
export const PEOPLE = {
  anna: { key: generateKey(), team: 'operations' },
  bela: { key: generateKey(), team: 'operations' },
  rita: { key: generateKey(), team: 'operations' },
  carl: { key: generateKey(), team: 'security' },
} as const;
/** A second key of Anna's, as whoever has two machines. */
export const ANNAS_OTHER_KEY = generateKey();
export const DORAS_CARD = new SecurityKey();
export const CARLS_CARD = new SecurityKey();
export const RELEASE_KEY = generateKey();
export const STRANGER = generateKey();
export const LOG: NoteSigner = { name: 'keyturn.example/log', key: generateKey() };
export const OTHER_LOG: NoteSigner = { name: 'keyturn.example/log', key: generateKey() };

const RULE: PolicyRule = {
  match: { env: 'prod' },
  quorum: [
    { team: 'operations', count: 2 },
    { team: 'security', count: 1 },
  ],
  separation: true,
  maxLeaseMs: 60 * MINUTE_MS,
  freshnessGraceMs: 5 * MINUTE_MS,
  presence: 'optional',
  reopen: false,
};

export function policyOf(change: Partial<PolicyRule> = {}, whole: Partial<Policy> = {}): Policy {
  const inFile = (holder: string, key: SigningKey, team: string) => ({
    keyId: key.keyId,
    publicKey: key.publicKeyPem,
    holder,
    team,
  });
  const onCard = (holder: string, card: SecurityKey, team: string) => ({
    keyId: card.key.keyId,
    publicKey: card.line,
    holder,
    team,
  });
  const policy: Policy = {
    version: 1,
    approvers: [
      ...Object.entries(PEOPLE).map(([name, { key, team }]) => inFile(name, key, team)),
      inFile('anna', ANNAS_OTHER_KEY, 'operations'),
      onCard('dora', DORAS_CARD, 'operations'),
      onCard('carl', CARLS_CARD, 'security'),
    ],
    rules: [{ ...RULE, ...change }],
    subGaps: { accept: [] },
    gates: { required: ['G3', 'G4', 'G5', 'G6', 'G7'] },
    checkKinds: { allowed: ['exec'] },
    sandbox: 'required',
    forbidden: [],
    timestampExpiresMs: 60 * MINUTE_MS,
    log: encodeVerifierKey(LOG),
    retention: { keep: 3 },
    ...whole,
  };
  return parsePolicy(encodeCanonical(policy as never));
}

export const STANDING: StandingRelease = {
  app: 'iu-cutter',
  version: '0.6',
  treeDigest: sha256('the tree'),
  run: '01JD0000000000000000000000',
  head: sha256('the head of contabo'),
  releasers: new Set([publicKeyHex(RELEASE_KEY.publicKeyPem)]),
  liveEntrypoints: ['live', 'sweep'],
  notReady: [],
};

export const EPOCH = 3;

export const LEAVES: readonly EvidenceLeaf[] = Array.from({ length: 21 }, (_, index) => {
  const host = index === 13 ? HOST : `host-${String(index).padStart(2, '0')}`;
  return {
    host,
    run: index === 13 ? STANDING.run : `01JD00000000000000000000${index + 10}`,
    head: index === 13 ? STANDING.head : sha256(host),
    epoch: EPOCH,
  };
});
export const EVIDENCE = new EvidenceTree(LEAVES);

export function orderOf(change: Partial<EnableOrder> = {}): EnableOrder {
  return {
    app: STANDING.app,
    version: STANDING.version,
    treeDigest: STANDING.treeDigest,
    entrypoints: ['live'],
    issuedAtMs: NOW_MS - MINUTE_MS,
    notBeforeMs: NOW_MS - MINUTE_MS,
    expiresMs: NOW_MS + 60 * MINUTE_MS,
    leaseMs: 10 * MINUTE_MS,
    nonce: sha256('a nonce').slice(0, 32),
    reason: 'the cut of November',
    evidence: { root: EVIDENCE.root().toString('hex'), size: EVIDENCE.size },
    ...change,
  };
}

export const QUORUM: readonly SigningKey[] = [PEOPLE.anna.key, PEOPLE.bela.key, PEOPLE.carl.key];

export function sign(
  payload: Uint8Array,
  keys: readonly SigningKey[] = QUORUM,
  payloadType = STATEMENT_PAYLOAD_TYPE,
): Buffer {
  return signEnvelope(payloadType, payload, keys);
}

/** Adds the signature of a security key. */
export function signWithCard(envelope: Uint8Array, card: SecurityKey, options: TouchOptions = {}): Buffer {
  const parsed = parseEnvelope(envelope);
  const message = preAuthEncoding(parsed.payloadType, parsed.payload);
  return addSignature(parsed, { ...card.key, sign: () => card.sign(message, options) });
}

/** A log in memory, in which orders stand among others. */
export class TestLog {
  readonly #signer: NoteSigner;
  readonly #kept = new Map<string, Buffer>();
  #size = 0;

  constructor(signer: NoteSigner = LOG, earlier = 5, salt = 'entry') {
    this.#signer = signer;
    for (let index = 0; index < earlier; index += 1) this.append(Buffer.from(`${salt} ${index}`));
  }

  get size(): number {
    return this.#size;
  }

  append(record: Uint8Array): number {
    for (const { level, index, hash } of nodesCompletedBy(leafHash(record), this.#size, this.#node)) {
      this.#kept.set(`${level}/${index}`, hash);
    }
    this.#size += 1;
    return this.#size - 1;
  }

  checkpoint(size = this.#size): Checkpoint {
    return { origin: this.#signer.name, size, root: rootAt(size, this.#node) };
  }

  proof(index: number, size = this.#size): Buffer {
    const checkpoint = signCheckpoint(this.checkpoint(size), this.#signer);
    return encodeLogProof({ index, proof: inclusionProof(index, size, this.#node), checkpoint });
  }

  consistency(oldSize: number, size = this.#size): Buffer[] {
    return consistencyProof(oldSize, size, this.#node);
  }

  readonly #node: NodeReader = (level, index) => {
    const hash = this.#kept.get(`${level}/${index}`);
    if (!hash) throw new Error(`there is no complete subtree ${level}/${index}`);
    return hash;
  };
}

/** The offer of an envelope, with everything beside it as it should be. */
export function offerOf(envelope: Buffer, log: TestLog = new TestLog()): EnableOffer {
  const evidence = EVIDENCE.proofFor(HOST);
  if (!evidence) throw new Error(`"${HOST}" is not of the order`);
  const seen = log.size;
  const index = log.append(encodeLogRecord('enable', envelope));
  log.append(Buffer.from('a later entry'));
  return { envelope, evidence, logProof: log.proof(index), consistency: log.consistency(seen) };
}

export function factsOf(change: Partial<HostFacts> = {}): HostFacts {
  return {
    host: HOST,
    labels: { env: 'prod' },
    policy: policyOf(),
    standing: STANDING,
    epoch: EPOCH,
    isUsed: () => false,
    nowMs: NOW_MS,
    isClockBehind: false,
    freshUntilMs: NOW_MS + 30 * MINUTE_MS,
    seen: () => new TestLog().checkpoint(),
    ...change,
  };
}

export function honestOffer(change: Partial<EnableOrder> = {}): EnableOffer {
  return offerOf(sign(encodeEnableOrder(orderOf(change))));
}
