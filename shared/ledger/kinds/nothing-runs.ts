import { z } from 'zod';
import { type CheckKind, expectThat } from '../check-kind.ts';
import { expectPlanPath, hostPathSchema } from './host-path.ts';
import { expectNoReferences, targetReferencesSchema, unseenFindings } from './target-references.ts';

const paramsSchema = z.strictObject({ path: z.string() });
export type NothingRunsParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  path: hostPathSchema,
  /** Of this host, read while looking. The agent itself always runs. */
  processCount: z.int().min(0),
  references: targetReferencesSchema,
});
export type NothingRunsObservation = z.infer<typeof observationSchema>;

/** No process, unit, timer or cron entry refers to the installation, and no port is held by one that does. */
export const nothingRunsKind: CheckKind<NothingRunsParams, NothingRunsObservation> = {
  kind: 'nothing-runs',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 120_000,
  judge: ({ path }, seen) => ({
    expectations: [
      expectPlanPath(path, seen.path),
      // A host on which no process can be seen has shown nothing.
      expectThat('processes read', { expected: 'at least 1', actual: seen.processCount, met: seen.processCount >= 1 }),
      ...expectNoReferences(seen.references),
    ],
    findings: unseenFindings(seen.references),
  }),
};
