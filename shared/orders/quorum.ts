/**
 * Whether the people who signed are enough. A person counts once, however many keys he has; two people never share a
 * seat, and one never fills two.
 */

import type { Approval } from '../trust/dsse.ts';
import type { KeyedApprover, PolicyRule } from '../trust/policy.ts';
import { type UnmetClause, unmetClauses } from '../trust/threshold.ts';

/** The clauses that these approvals do not meet; empty when they are enough. */
export function unmetBy(approvals: readonly Approval<KeyedApprover>[], rule: PolicyRule): UnmetClause[] {
  const counting = approvals.filter(({ presence }) => rule.presence === 'optional' || presence.isTouched);
  // By the holder, not by the key: that is what makes two signers two.
  const people = counting.map(({ approver }) => ({ publicKey: approver.holder, team: approver.team }));
  return unmetClauses(people, rule.quorum);
}

/** Approvals of people who did not sign the release: of none of their keys, when one of them did. */
export function withoutReleasers(
  approvals: readonly Approval<KeyedApprover>[],
  { releasers, approvers }: { releasers: ReadonlySet<string>; approvers: readonly KeyedApprover[] },
): Approval<KeyedApprover>[] {
  const holders = new Set(approvers.filter(({ key }) => releasers.has(key.identity)).map(({ holder }) => holder));
  return approvals.filter(({ approver }) => !holders.has(approver.holder));
}
