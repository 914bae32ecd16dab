import { z } from 'zod';
import { type CheckKind, expectEqual, type Finding } from '../check-kind.ts';
import { expectDifference, hostDifferenceSchema } from './host-difference.ts';
import { expectPlanPath, hostPathSchema } from './host-path.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const ms = z.int().min(0);

const paramsSchema = z.strictObject({ path: z.string(), treeDigest: digest });
export type RehearsalParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  path: hostPathSchema,
  state: z.enum(['rehearsed', 'nothing-to-roll-back-to']),
  /** Names that stand in the install root without the installation; the first of them. */
  rollsBackTo: z.array(z.string().max(255)).max(64),
  /** Between the host before the installation and the host with the installation moved away. */
  difference: hostDifferenceSchema,
  /** Of the installation, hashed from disk after it was moved back. */
  treeDigest: digest,
  movedAsideMs: ms,
  movedBackMs: ms,
  durationMs: ms,
  /** A crash had left the installation aside; it was moved back, and the rehearsal done anew. */
  wasInterrupted: z.boolean(),
});
export type RehearsalObservation = z.infer<typeof observationSchema>;

/** With the one path gone the host is as it was before, and with it back the installation is what was signed. */
export const rehearsalKind: CheckKind<RehearsalParams, RehearsalObservation> = {
  kind: 'rehearsal',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 30 * 60_000,
  judge: ({ path, treeDigest }, seen) => ({
    expectations: [
      expectPlanPath(path, seen.path),
      ...expectDifference([], seen.difference),
      expectEqual('tree digest after it was put back', treeDigest, seen.treeDigest),
    ],
    findings: [
      ...(seen.state === 'nothing-to-roll-back-to' ? [firstInstall] : []),
      ...(seen.wasInterrupted ? [interrupted] : []),
    ],
  }),
};

const firstInstall: Finding = {
  code: 'nothing-to-roll-back-to',
  statement: 'first install: without it nothing stands in the install root',
};
const interrupted: Finding = {
  code: 'rehearsal-interrupted',
  statement: 'a rehearsal was interrupted; the installation was put back and the rehearsal done anew',
};
