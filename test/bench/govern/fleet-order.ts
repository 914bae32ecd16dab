/** An honest order of three of five approvers for a fleet, and what one of its hosts knows. */
import { sha256 } from '../../../shared/digest.ts';
import type { EnableOffer, HostFacts } from '../../../shared/orders/admit.ts';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { type EvidenceLeaf, EvidenceTree } from '../../../shared/orders/evidence-leaf.ts';
import { encodeLogRecord } from '../../../shared/transparency/log-record.ts';
import { generateKey, type SigningKey } from '../../../shared/trust/keys.ts';
import type { Policy } from '../../../shared/trust/policy.ts';
import { EPOCH, factsOf, HOST, orderOf, policyOf, STANDING, sign, TestLog } from '../../support/enable-world.ts';

export interface FleetOrder {
  readonly offer: EnableOffer;
  readonly facts: HostFacts;
  /** Who signed. */
  readonly signers: readonly SigningKey[];
}

const TEAM = 'approvers';
const APPROVERS = ['ana', 'ben', 'cora', 'dan', 'eve'];
const QUORUM = 3;
/** What stands in the log before the order. */
const EARLIER_ENTRIES = 1_000;

/** The host in the middle is the one that is asked; the others have the same release. */
export function fleetLeaves(count: number): EvidenceLeaf[] {
  return Array.from({ length: count }, (_, index) => {
    const isAsked = index === count >> 1;
    const host = isAsked ? HOST : `host-${String(index).padStart(6, '0')}`;
    return { host, run: STANDING.run, head: isAsked ? STANDING.head : sha256(host), epoch: EPOCH };
  });
}

export function fleetOrder(hostCount: number): FleetOrder {
  const keys = APPROVERS.map(() => generateKey());
  const signers = keys.slice(-QUORUM);
  const tree = new EvidenceTree(fleetLeaves(hostCount));
  const evidence = tree.proofFor(HOST);
  if (!evidence) throw new Error(`"${HOST}" is not of the order`);
  const order = orderOf({ evidence: { root: tree.root().toString('hex'), size: tree.size } });
  const envelope = sign(encodeEnableOrder(order), signers);
  const log = new TestLog(undefined, EARLIER_ENTRIES);
  const seen = log.checkpoint();
  const index = log.append(encodeLogRecord('enable', envelope));
  const offer = { envelope, evidence, logProof: log.proof(index), consistency: log.consistency(seen.size) };
  return { offer, facts: factsOf({ policy: policyFor(keys), seen: () => seen }), signers };
}

function policyFor(keys: readonly SigningKey[]): Policy {
  const approvers = keys.map(({ keyId, publicKeyPem }, index) => ({
    keyId,
    publicKey: publicKeyPem,
    holder: APPROVERS[index] ?? '',
    team: TEAM,
  }));
  return policyOf({ quorum: [{ team: TEAM, count: QUORUM }] }, { approvers });
}
