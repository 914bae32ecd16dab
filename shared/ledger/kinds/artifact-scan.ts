import { z } from 'zod';
import { type CheckKind, expectEqual } from '../check-kind.ts';
import { judgeScan, scanShape } from './scan-observation.ts';

const observationSchema = z.strictObject({
  ...scanShape,
  /** Whether every path, mode and content that came out of the archive is the manifest's, and nothing else came out. */
  matchesManifest: z.boolean(),
  /** Whether the scan of the source saw the same. */
  matchesSourceScan: z.boolean(),
});
export type ArtifactScanObservation = z.infer<typeof observationSchema>;

const paramsSchema = z.strictObject({});

/** What is really inside of the packed archive was unpacked and scanned again. */
export const artifactScanKind: CheckKind<z.infer<typeof paramsSchema>, ArtifactScanObservation> = {
  kind: 'artifact-scan',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 600_000,
  judge: (_params, seen) => {
    const scan = judgeScan(seen);
    return {
      expectations: [
        ...scan.expectations,
        expectEqual('the archive holds what the manifest says', true, seen.matchesManifest),
        expectEqual('the scan of the source saw the same', true, seen.matchesSourceScan),
      ],
      findings: scan.findings,
    };
  },
};
