import { POLICY_PATH } from '../../shared/trust/tuf-metadata.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import type { Store } from './schema.ts';
import { findTarget } from './targets.ts';

/** The policy that published targets metadata lists; undefined where it lists none. */
export async function publishedPolicy(store: Store, targets: Uint8Array): Promise<Buffer | undefined> {
  const listed = checkMetadata('targets', targets).signed.targets[POLICY_PATH];
  return listed && findTarget(store, POLICY_PATH, listed.hashes.sha256);
}
