import { sha256 } from '../../../shared/digest.ts';
import type { PlanLockedObservation } from '../../../shared/ledger/kinds/plan-locked.ts';
import { encodePlan } from '../../../shared/release/plan.ts';
import { encodeReleaseStatement } from '../../../shared/release/release-statement.ts';
import { type Observe, observed } from '../observe.ts';

/** Encodes anew what the checks of this run are given, not what was once read. */
export const observePlanLocked: Observe = async ({ release }) =>
  observed({
    planDigest: sha256(encodePlan(release.plan)),
    statementDigest: sha256(encodeReleaseStatement(release.statement)),
  } satisfies PlanLockedObservation);
