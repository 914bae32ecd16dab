import { z } from 'zod';
import { absolutePathSchema } from '../../release/plan.ts';
import { type CheckKind, expectEqual } from '../check-kind.ts';
import { occupantSchema, treePathSchema } from './tree-path.ts';

const paramsSchema = z.strictObject({
  /** Absolute, or relative to the installed tree. */
  path: z.union([absolutePathSchema, treePathSchema]),
});
export type AbsentParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({ path: z.string().max(1024), is: occupantSchema });
export type AbsentObservation = z.infer<typeof observationSchema>;

/** Nothing stands at a path, not even a symbolic link that leads nowhere. */
export const absentKind: CheckKind<AbsentParams, AbsentObservation> = {
  kind: 'absent',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 10_000,
  bearsCompany: true,
  judge: ({ path }, seen) => ({
    expectations: [expectEqual('path', path, seen.path), expectEqual(`"${path}" is`, 'nothing', seen.is)],
    findings: [],
  }),
};
