/** The policy in force on this host: the target `policy.json` of the trust root. */
import type { Database } from 'better-sqlite3';

import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { POLICY_PATH, type Policy, parsePolicy } from '../../shared/trust/policy.ts';
import { expiryOf, fileNameOf } from '../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import { loadVerifiedTarget } from './metadata-store.ts';
import type { TrustClient } from './trust-client.ts';

export interface PolicyMeans {
  readonly trust: TrustClient;
  /** The metadata that is trusted now. */
  readonly trusted: () => TrustedMetadata;
  /** The host's trusted time. */
  readonly now: () => Date;
}

/**
 * Refreshes, reads the policy that is in force now, and holds the refresh itself against it; `beside` are targets to read
 * out of the same refresh. Errors: as `TrustClient.readTargets`; `policy-invalid`, `timestamp-outlives-policy`.
 */
export async function readPolicy(
  { trust, trusted, now }: PolicyMeans,
  beside: readonly string[] = [],
): Promise<{ policy: Policy; bytes: Buffer; others: readonly Buffer[] }> {
  const others = await trust.readTargets([...beside, POLICY_PATH]);
  const bytes = others.pop() ?? Buffer.alloc(0);
  const policy = parsePolicy(bytes);
  checkTimestampLife(trusted(), policy, now());
  return { policy, bytes, others };
}

/**
 * The policy that was in force when the host was last in touch, or undefined before the first time. Good enough to
 * judge a kill by; what opens a gate needs `readPolicy`.
 */
export function loadLastPolicy(db: Database): Policy | undefined {
  const target = loadVerifiedTarget(db, POLICY_PATH);
  return target === undefined ? undefined : parsePolicy(target.bytes);
}

/**
 * P2: whoever holds the online key signs how long a state counts as the newest, and could sign for years. How long it
 * may be is the policy's to say.
 */
function checkTimestampLife(trusted: TrustedMetadata, policy: Policy, now: Date): void {
  const timestamp = trusted.get(fileNameOf('timestamp'));
  if (timestamp === undefined) {
    throw new RejectedError('metadata-not-trusted', 'failed to judge freshness: there is no trusted timestamp');
  }
  const expiresAt = expiryOf(timestamp);
  const latest = new Date(now.getTime() + policy.timestampExpiresMs + LIMITS.clockDifferenceMs);
  if (expiresAt <= latest) return;
  throw new RejectedError(
    'timestamp-outlives-policy',
    `failed to judge freshness: the timestamp expires at ${expiresAt.toISOString()}, expected ${latest.toISOString()} at the latest`,
    {
      hint: "compare the clocks of host and control plane, set right the wrong one, and order again; if they agree, somebody else may hold the control plane's key",
    },
  );
}
