import { z } from 'zod';
import type { CheckKind } from '../check-kind.ts';
import { expectDifference, hostDifferenceSchema } from './host-difference.ts';
import { expectPlanPath, hostPathSchema } from './host-path.ts';

const paramsSchema = z.strictObject({ path: z.string() });
export type OnePathAddedParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  path: hostPathSchema,
  /** Between the fingerprint before the installation and the one now. */
  difference: hostDifferenceSchema,
});
export type OnePathAddedObservation = z.infer<typeof observationSchema>;

/** The installation added exactly one path to the host and changed nothing else (P5). */
export const onePathAddedKind: CheckKind<OnePathAddedParams, OnePathAddedObservation> = {
  kind: 'one-path-added',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 10 * 60_000,
  judge: ({ path }, seen) => ({
    expectations: [
      expectPlanPath(path, seen.path),
      ...expectDifference([`path:${path.slice(path.lastIndexOf('/') + 1)}`], seen.difference),
    ],
    findings: [],
  }),
};
