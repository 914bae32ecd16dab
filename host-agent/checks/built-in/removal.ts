import type { RemovalObservation } from '../../../shared/ledger/kinds/removal.ts';
import { standingAt } from '../../../shared/store/tree-move.ts';
import { isAside, moveAside } from '../../install/aside.ts';
import { captureFacts, captureFingerprint, type FingerprintOptions } from '../../install/fingerprint.ts';
import { compareFingerprints, type Fingerprint, parseFingerprint } from '../../install/fingerprint-difference.ts';
import { type CheckContext, type Observe, observed } from '../observe.ts';
import { cutDifference } from './cut-lists.ts';

const FACT = 'fingerprint-before-removal';

/**
 * Frees the path by a rename and looks what that changed. The tree stays aside: the step `remove` deletes it once this
 * is on record. After a crash the host is compared with the fingerprint that was saved before the first attempt.
 */
export const observeRemoval: Observe = async (context) => {
  const { places, run, release } = context;
  const before = await fingerprintOnRecord(context);
  const startedAtMs = performance.now();
  const moved = moveAside({ places, run, release });
  const durationMs = Math.round(performance.now() - startedAtMs);
  const { added, removed, changed } = cutDifference(compareFingerprints(before, await captureFacts(hostOf(context))));
  return observed({
    found: moved === 'moved' || isAside(context) ? 'installation' : 'nothing',
    pathIsThere: standingAt(places.installPath) !== undefined,
    added,
    removed,
    changed,
    durationMs,
  } satisfies RemovalObservation);
};

async function fingerprintOnRecord(context: CheckContext): Promise<Fingerprint> {
  const saved = context.facts.load(FACT);
  if (saved !== undefined) return parseFingerprint(saved);
  const taken = await captureFingerprint(hostOf(context));
  context.facts.save(FACT, taken);
  return taken;
}

function hostOf({ places, release, signal }: CheckContext): FingerprintOptions {
  return { places, preserve: release.plan.install.preserve, signal };
}
