import type { NothingRunsObservation } from '../../../shared/ledger/kinds/nothing-runs.ts';
import { findTargetReferences } from '../../install/fingerprint.ts';
import { type Observe, observed } from '../observe.ts';
import { cutReferences } from './cut-lists.ts';

export const observeNothingRuns: Observe = async ({ places, signal }) => {
  const found = await findTargetReferences({ places, signal });
  return observed({
    path: places.installPath,
    processCount: found.processCount,
    references: cutReferences(found),
  } satisfies NothingRunsObservation);
};
