import type { OnePathAddedObservation } from '../../../shared/ledger/kinds/one-path-added.ts';
import { captureFacts } from '../../install/fingerprint.ts';
import { compareFingerprints } from '../../install/fingerprint-difference.ts';
import { type Observe, observed } from '../observe.ts';
import { loadFingerprintBefore } from './check-facts.ts';
import { cutDifference } from './cut-lists.ts';

export const observeOnePathAdded: Observe = async ({ facts, places, release, signal }) => {
  const before = loadFingerprintBefore(facts);
  const after = await captureFacts({ places, preserve: release.plan.install.preserve, signal });
  const difference = cutDifference(compareFingerprints(before, after));
  return observed({ path: places.installPath, difference } satisfies OnePathAddedObservation);
};
