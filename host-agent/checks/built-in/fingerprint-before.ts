import type { FingerprintBeforeObservation } from '../../../shared/ledger/kinds/fingerprint-before.ts';
import { captureFingerprint, findTargetReferences } from '../../install/fingerprint.ts';
import { type Fingerprint, fingerprintDigest, parseFingerprint } from '../../install/fingerprint-difference.ts';
import { type CheckContext, type Observe, observed } from '../observe.ts';
import { cutReferences } from './cut-lists.ts';

/** Takes the fingerprint and saves it. What is saved stays: a second look, after a crash, may come too late. */
export const observeFingerprintBefore: Observe = async (context) => {
  const { places, signal } = context;
  const fingerprint = await fingerprintOnRecord(context);
  const references = await findTargetReferences({ places, signal });
  return observed({
    digest: fingerprintDigest(fingerprint),
    factCounts: factCounts(fingerprint),
    listeningPortCount: fingerprint.listeningPorts.length,
    references: cutReferences(references),
  } satisfies FingerprintBeforeObservation);
};

async function fingerprintOnRecord({ facts, places, release, signal }: CheckContext): Promise<Fingerprint> {
  const saved = facts.load('fingerprint-before');
  if (saved !== undefined) return parseFingerprint(saved);
  const taken = await captureFingerprint({ places, preserve: release.plan.install.preserve, signal });
  facts.save('fingerprint-before', taken);
  return taken;
}

/** By the word before the colon of each key. */
function factCounts({ facts }: Fingerprint): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of Object.keys(facts)) {
    const kind = key.slice(0, key.indexOf(':'));
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
