/** The policy as the control plane publishes it. What it allows is the hosts' to judge; here it serves to fail early (P2). */
import { RejectedError } from '../../shared/errors.ts';
import { type Policy, parsePolicy } from '../../shared/trust/policy.ts';
import { publishedSet } from '../operator/published-set.ts';
import { publishedPolicy } from '../store/published-policy.ts';
import type { Store } from '../store/schema.ts';

/** Errors: `policy-not-published`. */
export async function policyInForce(store: Store): Promise<Policy> {
  const targets = (await publishedSet(store))?.trusted.get('targets.json');
  const bytes = targets && (await publishedPolicy(store, targets));
  if (bytes) return parsePolicy(bytes);
  throw new RejectedError('policy-not-published', 'failed to find the policy: none is published', {
    hint: 'sign and publish it with `keyturn policy sign`',
  });
}
