import type { RehearsalObservation } from '../../../shared/ledger/kinds/rehearsal.ts';
import { rehearse } from '../../install/rehearse.ts';
import { cutEnd } from '../cut-text.ts';
import { type Observe, observed } from '../observe.ts';
import { loadFingerprintBefore } from './check-facts.ts';
import { cutDifference } from './cut-lists.ts';

export const observeRehearsal: Observe = async (context) => {
  const { facts, release, places } = context;
  const before = loadFingerprintBefore(facts);
  const report = await rehearse(context, { before, preserve: release.plan.install.preserve });
  return observed({
    ...report,
    path: places.installPath,
    rollsBackTo: report.rollsBackTo.slice(0, 64).map((name) => cutEnd(name, 255)),
    difference: cutDifference(report.difference),
  } satisfies RehearsalObservation);
};
