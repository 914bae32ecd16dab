import { z } from 'zod';
import { type CheckKind, expectEqual } from '../check-kind.ts';
import { expectPlanPath, hostPathSchema } from './host-path.ts';

const paramsSchema = z.strictObject({ path: z.string() });
export type TargetFreeParams = z.infer<typeof paramsSchema>;

const standing = z.enum(['nothing', 'folder', 'file', 'link', 'special']);

const observationSchema = z.strictObject({
  path: hostPathSchema,
  /** What stands there itself; a link is not followed. */
  installRoot: standing,
  target: standing,
});
export type TargetFreeObservation = z.infer<typeof observationSchema>;

/** The install root is a folder, and nothing stands where the installation will, not even a dangling link (P5). */
export const targetFreeKind: CheckKind<TargetFreeParams, TargetFreeObservation> = {
  kind: 'target-free',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 30_000,
  bearsCompany: true,
  judge: ({ path }, seen) => ({
    expectations: [
      expectPlanPath(path, seen.path),
      expectEqual('install root is', 'folder', seen.installRoot),
      expectEqual('target path holds', 'nothing', seen.target),
    ],
    findings: [],
  }),
};
