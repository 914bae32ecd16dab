/**
 * Whether a host follows an enable order: one pure function, read like a table of contents. It touches no clock, disk,
 * network or randomness; whoever calls it says what is true on the host.
 *
 * 1. Each check has codes of its own; the first that fails is the answer.
 * 2. Nothing of the payload is read before the people whom this host's rule asks for have signed it (P1).
 * 3. What the control plane runs beforehand is the same function, to fail early; the host's answer decides (P2).
 */
import type { Sha256 } from '../digest.ts';
import { RejectedError, type RejectionCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Checkpoint } from '../transparency/checkpoint.ts';
import { leafHash, provesInclusion } from '../transparency/merkle.ts';
import {
  type Approval,
  type ApprovedEnvelope,
  parseEnvelope,
  type UnverifiedEnvelope,
  verifyApprovals,
} from '../trust/dsse.ts';
import {
  type KeyedApprover,
  keyedApprovers,
  type Labels,
  type Policy,
  type PolicyRule,
  selectRule,
} from '../trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../trust/statement.ts';
import { type EnableOrder, readEnableOrder } from './enable-order.ts';
import { type EvidenceProof, encodeLeaf } from './evidence-leaf.ts';
import { checkInLog, type LoggedEnvelope } from './in-log.ts';
import { instantOf } from './instant.ts';
import { unmetBy, withoutReleasers } from './quorum.ts';

/** What reaches a host; nothing of it is trusted. */
export interface EnableOffer extends LoggedEnvelope {
  readonly evidence: EvidenceProof;
}

/** The proving run of a release that stands on this host, as the host itself knows it. */
export interface StandingRelease {
  readonly app: string;
  readonly version: string;
  readonly treeDigest: Sha256;
  readonly run: string;
  /** The digest of the last entry of its ledger. */
  readonly head: Sha256;
  /** Public keys, in hexadecimal, that signed the release. */
  readonly releasers: ReadonlySet<string>;
  /** Entrypoints of the signed plan that are live. */
  readonly liveEntrypoints: readonly string[];
  /** What is not green; empty when the release is ready. */
  readonly notReady: readonly string[];
}

/** What is true on this host. */
export interface HostFacts {
  readonly host: string;
  readonly labels: Labels;
  readonly policy: Policy;
  /** Undefined when no release of the application was proven here, or none stands any more. */
  readonly standing: StandingRelease | undefined;
  /** The present epoch of the application's gate. */
  readonly epoch: number;
  readonly isUsed: (nonce: string) => boolean;
  /** The host's trusted time: never before anything signed that it has seen. */
  readonly nowMs: number;
  /** Whether the clock is behind what the host has seen. */
  readonly isClockBehind: boolean;
  /** Until when the trust metadata counts as the newest. */
  readonly freshUntilMs: number;
  /** The largest checkpoint of a log that the host has seen. */
  readonly seen: (origin: string) => Checkpoint | undefined;
}

/** What the keeper of the gate knows; the rest is the host's. */
export type GateFacts = Pick<HostFacts, 'epoch' | 'isUsed' | 'nowMs' | 'isClockBehind' | 'seen'>;
export type GroundFacts = Omit<HostFacts, keyof GateFacts>;

export interface Admission {
  readonly order: EnableOrder;
  readonly rule: PolicyRule;
  /** Who counted. */
  readonly approvals: readonly Approval<KeyedApprover>[];
  /** To be remembered. */
  readonly checkpoint: Checkpoint;
}

/** Errors: `RejectedError` with the code of the first check that fails. */
export function admit(offer: EnableOffer, facts: HostFacts): Admission {
  const envelope = checkEnvelope(offer);
  const rule = ruleFor(facts);
  const approvers = keyedApprovers(facts.policy);
  const approved = checkThreshold(envelope, { rule, approvers });
  const approvals = checkSeparation(approved, { rule, approvers, facts });
  const order = readEnableOrder(approved);
  const standing = checkAudience(order, { offer, facts });
  checkEvidence(order, { offer, standing });
  const checkpoint = checkInLog('enable', offer, facts);
  checkFreshness(facts);
  checkWindow(order, { rule, facts });
  checkEpoch(offer, facts);
  checkReplay(order, facts);
  checkReadiness(order, standing);
  return { order, rule, approvals, checkpoint };
}

function checkEnvelope({ envelope }: EnableOffer): UnverifiedEnvelope {
  return parseEnvelope(envelope);
}

function ruleFor({ policy, labels }: HostFacts): PolicyRule {
  const rule = selectRule(policy, labels);
  if (!rule) throw refused('no-rule-for-host', 'the policy has no rule for a host with these labels');
  return rule;
}

interface People {
  readonly rule: PolicyRule;
  readonly approvers: readonly KeyedApprover[];
}

function checkThreshold(envelope: UnverifiedEnvelope, { rule, approvers }: People): ApprovedEnvelope<KeyedApprover> {
  const approved = verifyApprovals(envelope, approvers, { payloadType: STATEMENT_PAYLOAD_TYPE });
  const [unmet] = unmetBy(approved.approvals, rule);
  if (unmet) throw refused('quorum-not-met', `expected ${unmet.count} of team "${unmet.team}", got ${unmet.actual}`);
  return approved;
}

function checkSeparation(
  { approvals }: ApprovedEnvelope<KeyedApprover>,
  { rule, approvers, facts }: People & { facts: HostFacts },
): readonly Approval<KeyedApprover>[] {
  if (!rule.separation) return approvals;
  const releasers = facts.standing?.releasers ?? new Set<string>();
  const counting = withoutReleasers(approvals, { releasers, approvers });
  const [unmet] = unmetBy(counting, rule);
  if (!unmet) return counting;
  const who = `${unmet.actual} of team "${unmet.team}" did not sign the release`;
  throw refused('separation-violated', `expected ${unmet.count} people beside those who signed the release, ${who}`);
}

function checkAudience(
  order: EnableOrder,
  { offer, facts }: { offer: EnableOffer; facts: HostFacts },
): StandingRelease {
  const { leaf } = offer.evidence;
  if (leaf.host !== facts.host) throw refused('order-for-another-host', `its evidence is of "${leaf.host}"`);
  const { standing } = facts;
  if (!standing) throw refused('nothing-proven', `no release of "${order.app}" stands proven here`);
  if (standing.app !== order.app || standing.version !== order.version) {
    throw refused('order-for-another-release', `it is for "${order.app}@${order.version}"`);
  }
  const unknown = order.entrypoints.find((name) => !standing.liveEntrypoints.includes(name));
  if (unknown === undefined) return standing;
  throw refused('entrypoint-not-in-plan', `the signed plan has no live entrypoint "${unknown}"`);
}

function checkEvidence(
  order: EnableOrder,
  { offer, standing }: { offer: EnableOffer; standing: StandingRelease },
): void {
  if (order.treeDigest !== standing.treeDigest) {
    throw refused('tree-differs', `it is for tree "${order.treeDigest}", here is "${standing.treeDigest}"`);
  }
  const { leaf, index, path } = offer.evidence;
  if (leaf.run !== standing.run || leaf.head !== standing.head) {
    throw refused(
      'evidence-differs',
      `it is bound to head "${leaf.head}" of run "${leaf.run}", here is "${standing.head}"`,
    );
  }
  const { root, size } = order.evidence;
  const isCovered = provesInclusion({
    leaf: leafHash(encodeLeaf(leaf)),
    index,
    size,
    proof: path,
    root: Buffer.from(root, 'hex'),
  });
  if (!isCovered) throw refused('evidence-not-in-order', 'the order does not cover this evidence');
}

function checkFreshness({ nowMs, freshUntilMs, isClockBehind }: HostFacts): void {
  if (isClockBehind) throw refused('clock-went-back', 'the clock is behind what this host has seen');
  if (nowMs >= freshUntilMs)
    throw refused('metadata-not-fresh', `the trust metadata ran out at ${instantOf(freshUntilMs)}`);
}

function checkWindow(order: EnableOrder, { rule, facts }: { rule: PolicyRule; facts: HostFacts }): void {
  const { issuedAtMs, notBeforeMs, expiresMs, leaseMs } = order;
  const { nowMs } = facts;
  if (issuedAtMs > nowMs + LIMITS.clockDifferenceMs) {
    throw refused('order-from-the-future', `it was issued at ${instantOf(issuedAtMs)}`);
  }
  if (nowMs < notBeforeMs) throw refused('order-not-yet-valid', `its window begins at ${instantOf(notBeforeMs)}`);
  if (nowMs >= expiresMs) throw refused('order-expired', `its window ended at ${instantOf(expiresMs)}`);
  if (leaseMs > rule.maxLeaseMs) throw refused('lease-too-long', `${leaseMs} ms, the policy allows ${rule.maxLeaseMs}`);
}

/** P4: a kill raises the epoch, so that no order signed before it opens anything. */
function checkEpoch({ evidence }: EnableOffer, { epoch }: HostFacts): void {
  if (evidence.leaf.epoch === epoch) return;
  throw refused('order-of-another-epoch', `it is of epoch ${evidence.leaf.epoch}, the gate is at ${epoch}`);
}

function checkReplay({ nonce }: EnableOrder, { isUsed }: HostFacts): void {
  if (isUsed(nonce)) throw refused('order-replayed', 'it has opened the gate before');
}

function checkReadiness({ app, version }: EnableOrder, { notReady }: StandingRelease): void {
  if (notReady.length === 0) return;
  throw refused('not-ready', `${app}@${version} is not ready: ${notReady.join('; ')}`);
}

function refused(code: RejectionCode, reason: string): RejectedError {
  return new RejectedError(code, `refused to open the gate: ${reason}`);
}
