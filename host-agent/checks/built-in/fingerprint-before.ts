import type { FingerprintBeforeObservation } from '../../../shared/ledger/kinds/fingerprint-before.ts';
import { findTargetReferences, surveyHost } from '../../install/fingerprint.ts';
import { type Fingerprint, fingerprintDigest, parseFingerprint } from '../../install/fingerprint-difference.ts';
import { type CheckContext, type Observe, observed } from '../observe.ts';
import { cutReferences } from './cut-lists.ts';

/** Takes the fingerprint and saves it. What is saved stays: a second look, after a crash, may come too late. */
export const observeFingerprintBefore: Observe = async (context) => {
  const { fingerprint, references } = await survey(context);
  return observed({
    digest: fingerprintDigest(fingerprint),
    factCounts: factCounts(fingerprint),
    listeningPortCount: fingerprint.listeningPorts.length,
    references: cutReferences(references),
  } satisfies FingerprintBeforeObservation);
};

async function survey({ facts, places, release, signal }: CheckContext): ReturnType<typeof surveyHost> {
  const saved = facts.load('fingerprint-before');
  if (saved !== undefined) {
    return { fingerprint: parseFingerprint(saved), references: await findTargetReferences({ places, signal }) };
  }
  const taken = await surveyHost({ places, preserve: release.plan.install.preserve, signal });
  facts.save('fingerprint-before', taken.fingerprint);
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
