import { z } from 'zod';
import { type CheckKind, expectEqual } from '../check-kind.ts';

const paramsSchema = z.strictObject({ app: z.string() });
export type ExecutionClosedParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  app: z.string().max(64),
  /** The state of the execution gate, as the host's journal holds it. */
  gate: z.string().max(64),
  reason: z.string().max(1024),
});
export type ExecutionClosedObservation = z.infer<typeof observationSchema>;

/** The execution gate of the application is closed: what was installed and proven cannot run live (P3). */
export const executionClosedKind: CheckKind<ExecutionClosedParams, ExecutionClosedObservation> = {
  kind: 'execution-closed',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 30_000,
  bearsCompany: true,
  judge: ({ app }, seen) => ({
    expectations: [expectEqual('application', app, seen.app), expectEqual('execution gate', 'closed', seen.gate)],
    findings: [],
  }),
};
