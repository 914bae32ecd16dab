/**
 * The policies that were in force from the run on, oldest first. An order that concerns the run was judged by its host under
 * one of them; which one, only the host knew.
 */
import { type Sha256, sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { POLICY_PATH, type Policy, parsePolicy } from '../trust/policy.ts';
import { checkMetadata } from '../trust/tuf-rules.ts';
import { checkSignedBy } from '../trust/tuf-signing.ts';
import type { EvidenceBundle } from './evidence-bundle.ts';

export interface PolicyInForce {
  /** Of the targets metadata that listed it first; of the newest where it is the newest. */
  readonly targetsVersion: number;
  readonly sha256: Sha256;
  readonly policy: Policy;
}

/**
 * For a bundle whose trust metadata was verified. Errors: those of `checkMetadata` and `parsePolicy`;
 * `policy-not-vouched-for`, `policy-listed-otherwise`, `policies-out-of-order`.
 */
export function policiesOf({ trust, policy, earlierPolicies }: EvidenceBundle): PolicyInForce[] {
  const newest = { targetsVersion: checkMetadata('targets', trust.targets).signed.version, sha256: sha256(policy) };
  const earlier = earlierPolicies.map((listed) => vouchedFor(listed, trust.roots));
  const all = [...earlier, { ...newest, policy: parsePolicy(policy) }];
  for (const [index, { targetsVersion }] of all.entries()) {
    const before = all[index - 1];
    if (before && before.targetsVersion >= targetsVersion)
      throw refused('policies-out-of-order', `the one of targets ${targetsVersion} stands behind a newer one`);
  }
  if (new Set(all.map((known) => known.sha256)).size !== all.length)
    throw refused('policies-out-of-order', 'one of them stands there twice');
  return all;
}

function vouchedFor(
  { targets, policy }: EvidenceBundle['earlierPolicies'][number],
  roots: readonly Uint8Array[],
): PolicyInForce {
  const { version, targets: listed } = checkMetadata('targets', targets).signed;
  if (!roots.some((root) => isSignedUnder(root, targets)))
    throw refused('policy-not-vouched-for', `no root names those who signed targets ${version}`);
  const digest = sha256(policy);
  if (listed[POLICY_PATH]?.hashes.sha256 !== digest)
    throw refused('policy-listed-otherwise', `targets ${version} list another than "${digest}"`);
  return { targetsVersion: version, sha256: digest, policy: parsePolicy(policy) };
}

function isSignedUnder(root: Uint8Array, targets: Uint8Array): boolean {
  try {
    checkSignedBy(root, 'targets', targets);
    return true;
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'signature-threshold-not-met') return false;
    throw error;
  }
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to verify the policies: ${reason}`);
}
