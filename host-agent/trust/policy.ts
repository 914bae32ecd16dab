/** The policy in force on this host: the target `policy.json` of the trust root. */
import type { Database } from 'better-sqlite3';

import { POLICY_PATH, type Policy, parsePolicy } from '../../shared/trust/policy.ts';
import { loadVerifiedTarget } from './metadata-store.ts';
import type { TrustClient } from './trust-client.ts';

/** Refreshes, and reads the policy that is in force now. Errors: as `TrustClient.readTarget`; `policy-invalid`. */
export async function readPolicy(client: TrustClient): Promise<Policy> {
  return parsePolicy(await client.readTarget(POLICY_PATH));
}

/**
 * The policy that was in force when the host was last in touch, or undefined before the first time. Good enough to
 * judge a kill by; what opens a gate needs `readPolicy`.
 */
export function loadLastPolicy(db: Database): Policy | undefined {
  const target = loadVerifiedTarget(db, POLICY_PATH);
  return target === undefined ? undefined : parsePolicy(target.bytes);
}
