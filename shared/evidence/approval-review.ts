/**
 * Who signed a decision, and which rules of the policies that were asks for no more than them. Offline nobody knows a host's
 * labels: without them every rule is judged, and each answer is shown.
 */
import { RejectedError, type RejectionCode } from '../errors.ts';
import { unmetBy, withoutReleasers } from '../orders/quorum.ts';
import { type Approval, type ApprovedEnvelope, parseEnvelope, verifyApprovals } from '../trust/dsse.ts';
import {
  type KeyedApprover,
  keyedApprovers,
  type Labels,
  type Policy,
  type PolicyRule,
  selectRule,
} from '../trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../trust/statement.ts';
import type { PolicyInForce } from './policy-history.ts';

export interface Judges {
  /** Oldest first, at least one. */
  readonly policies: readonly PolicyInForce[];
  /** Public keys, in hexadecimal, that signed the release. */
  readonly releasers: ReadonlySet<string>;
  /** The host's, where somebody has said them. */
  readonly labels: Labels | undefined;
}

export interface Person {
  readonly holder: string;
  readonly team: string;
  readonly keyId: string;
  /** Whether a security key was touched for it. */
  readonly isTouched: boolean;
  /** Whether it asked for a PIN or a finger. */
  readonly isVerified: boolean;
}

export interface RuleStanding {
  /** The policy, by the targets metadata that listed it. */
  readonly targetsVersion: number;
  readonly match: Labels;
  /** The code that a host of this rule would refuse with; undefined where it is met. */
  readonly unmet: RejectionCode | undefined;
}

export interface ApprovalReview {
  /** The newest policy that knows one who signed, and what it lets one read. */
  readonly policy: Policy;
  readonly approved: ApprovedEnvelope<KeyedApprover>;
  readonly people: readonly Person[];
  readonly rules: readonly RuleStanding[];
}

/** Errors: those of `parseEnvelope`; `payload-type-mismatch`, `signature-threshold-not-met` when no policy knows a signer. */
export function reviewApprovals(document: Uint8Array, judges: Judges): ApprovalReview {
  const people = new Map<string, Person>();
  const rules: RuleStanding[] = [];
  let newest: Pick<ApprovalReview, 'policy' | 'approved'> | undefined;
  for (const known of judges.policies) {
    const approved = approvedUnder(document, known);
    if (approved) newest = { policy: known.policy, approved };
    const approvals = approved?.approvals ?? [];
    for (const approval of approvals) people.set(approval.approver.key.identity, personOf(approval));
    rules.push(...standingsUnder(known, { approvals, judges }));
  }
  if (newest) return { ...newest, people: [...people.values()], rules };
  throw new RejectedError('signature-threshold-not-met', 'failed to verify a decision: no approver has signed it');
}

/**
 * Errors, where no rule of any policy is met: `separation-violated` where that alone kept one from it, else what a host of the
 * newest policy would refuse with: `quorum-not-met`, `no-rule-for-host`.
 */
export function checkSomeRuleMet({ rules }: ApprovalReview): void {
  if (rules.some(({ unmet }) => unmet === undefined)) return;
  const nearest = rules.find(({ unmet }) => unmet === 'separation-violated') ?? rules.at(-1);
  const code = nearest?.unmet ?? 'no-rule-for-host';
  throw new RejectedError(
    code,
    `failed to verify an order: who signed it is not enough for any of ${rules.length} rules`,
  );
}

/** Whether it does not matter which rule the host has: under some policy all that were judged are met. */
export function isMetByAnyRule({ rules }: Pick<ApprovalReview, 'rules'>): boolean {
  const versions = new Set(rules.map(({ targetsVersion }) => targetsVersion));
  return [...versions].some((version) =>
    rules.every(({ targetsVersion, unmet }) => targetsVersion !== version || unmet === undefined),
  );
}

function approvedUnder(document: Uint8Array, { policy }: PolicyInForce): ApprovedEnvelope<KeyedApprover> | undefined {
  try {
    return verifyApprovals(parseEnvelope(document), keyedApprovers(policy), { payloadType: STATEMENT_PAYLOAD_TYPE });
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'signature-threshold-not-met') return undefined;
    throw error;
  }
}

function standingsUnder(
  { policy, targetsVersion }: PolicyInForce,
  { approvals, judges }: { approvals: readonly Approval<KeyedApprover>[]; judges: Judges },
): RuleStanding[] {
  const { labels, releasers } = judges;
  const rule = labels && selectRule(policy, labels);
  if (labels && !rule) return [{ targetsVersion, match: labels, unmet: 'no-rule-for-host' }];
  const counting = withoutReleasers(approvals, { releasers, approvers: keyedApprovers(policy) });
  return (rule ? [rule] : policy.rules).map((judged) => ({
    targetsVersion,
    match: judged.match,
    unmet: unmetCode(judged, { approvals, counting }),
  }));
}

function unmetCode(
  rule: PolicyRule,
  signed: { approvals: readonly Approval<KeyedApprover>[]; counting: readonly Approval<KeyedApprover>[] },
): RejectionCode | undefined {
  if (unmetBy(signed.approvals, rule).length > 0) return 'quorum-not-met';
  if (rule.separation && unmetBy(signed.counting, rule).length > 0) return 'separation-violated';
  return undefined;
}

function personOf({ approver: { holder, team, keyId }, presence }: Approval<KeyedApprover>): Person {
  return { holder, team, keyId, ...presence };
}
