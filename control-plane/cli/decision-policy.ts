/**
 * Whether a signature can count, as far as whoever signs can see the policy: the published one, or away from the control plane
 * the one that the carried evidence was judged by. Hosts decide; this keeps people from signing in vain.
 */
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { type DecisionRequest, envelopeOf } from '../../shared/orders/decision-request.ts';
import { unmetBy } from '../../shared/orders/quorum.ts';
import type { ApproverKey } from '../../shared/trust/approver-key.ts';
import { parseEnvelope, verifyApprovals } from '../../shared/trust/dsse.ts';
import { keyedApprovers, POLICY_PATH, type Policy, type PolicyRule, parsePolicy } from '../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import type { UnmetClause } from '../../shared/trust/threshold.ts';
import type { CommandOutput } from './output.ts';
import type { Publisher } from './publication.ts';
import { readPublishedTarget } from './published-target.ts';

/** Undefined, with a warning, where it cannot be seen: nobody is kept from signing by that. */
export async function visiblePolicy(
  publisher: Pick<Publisher, 'home' | 'source'>,
  { warn }: Pick<CommandOutput, 'warn'>,
): Promise<Policy | undefined> {
  try {
    const bytes = await readPublishedTarget(POLICY_PATH, publisher);
    return bytes && parsePolicy(bytes);
  } catch (error) {
    if (!(error instanceof RejectedError || error instanceof TransientError)) throw error;
    warn(`the policy is not seen from here, so who you are in it is not checked: ${error.message}`);
    return undefined;
  }
}

/** Lines for whoever is about to sign with a key that nobody has touched. */
export function presenceWarnings({ rules }: Policy, { text }: Pick<ApproverKey, 'text'>): string[] {
  if (text.startsWith('sk-')) return [];
  const demanding = rules.filter(({ presence }) => presence === 'required');
  if (demanding.length === 0) return [];
  const where = demanding.length === rules.length ? 'any host' : `hosts with ${demanding.map(hostsOf).join('; ')}`;
  return [`this signature does not count on ${where}: the policy demands one of a security key that somebody touched`];
}

export interface Demand {
  readonly policy: Policy;
  /** Which clauses of a rule count. */
  readonly by: 'quorum' | 'rulings';
}

/** What the rule that is closest to being met still lacks; empty when the signatures are enough for one of them. */
export function lackingFor(request: DecisionRequest, { policy, by }: Demand): UnmetClause[] {
  const envelope = parseEnvelope(envelopeOf(request));
  const { approvals } = verifyApprovals(envelope, keyedApprovers(policy), { payloadType: STATEMENT_PAYLOAD_TYPE });
  const unmet = policy.rules.map((rule) =>
    unmetBy(approvals, by === 'rulings' ? { ...rule, quorum: rule.rulings ?? rule.quorum } : rule),
  );
  const [closest = []] = unmet.sort((one, other) => peopleIn(one) - peopleIn(other));
  return closest;
}

/** `1 of operations, 1 of security`. */
export function lackingText(clauses: readonly UnmetClause[]): string {
  return clauses.map(({ team, count, actual }) => `${count - actual} of ${team}`).join(', ');
}

function peopleIn(clauses: readonly UnmetClause[]): number {
  return clauses.reduce((sum, { count, actual }) => sum + count - actual, 0);
}

function hostsOf({ match }: PolicyRule): string {
  return Object.entries(match)
    .map(([label, value]) => `${label}=${value}`)
    .join(' and ');
}
