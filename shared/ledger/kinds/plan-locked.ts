import { z } from 'zod';
import { type CheckKind, expectEqual } from '../check-kind.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const digestsSchema = z.strictObject({ planDigest: digest, statementDigest: digest });
export type PlanLockedParams = z.infer<typeof digestsSchema>;
/** Of the plan and the release statement that this host runs by, encoded anew. */
export type PlanLockedObservation = z.infer<typeof digestsSchema>;

/** The plan that the host runs by is the one that the release engineers signed (P2). */
export const planLockedKind: CheckKind<PlanLockedParams, PlanLockedObservation> = {
  kind: 'plan-locked',
  params: digestsSchema,
  observation: digestsSchema,
  timeoutMs: 30_000,
  bearsCompany: true,
  judge: (params, seen) => ({
    expectations: [
      expectEqual('plan digest', params.planDigest, seen.planDigest),
      expectEqual('release statement digest', params.statementDigest, seen.statementDigest),
    ],
    findings: [],
  }),
};
