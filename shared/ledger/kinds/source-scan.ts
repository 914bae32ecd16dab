import { z } from 'zod';
import type { CheckKind } from '../check-kind.ts';
import { judgeScan, type ScanObservation, scanShape } from './scan-observation.ts';

const paramsSchema = z.strictObject({});

/** The commit's tree holds no file of a forbidden name and no secret. */
export const sourceScanKind: CheckKind<z.infer<typeof paramsSchema>, ScanObservation> = {
  kind: 'source-scan',
  params: paramsSchema,
  observation: z.strictObject(scanShape),
  timeoutMs: 600_000,
  judge: (_params, seen) => judgeScan(seen),
};
