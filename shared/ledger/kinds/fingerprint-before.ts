import { z } from 'zod';
import type { CheckKind } from '../check-kind.ts';
import { expectNoReferences, targetReferencesSchema, unseenFindings } from './target-references.ts';

const paramsSchema = z.strictObject({});
export type FingerprintBeforeParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  /** How many facts of each kind the fingerprint holds. */
  factCounts: z.record(z.string().max(32), z.int().min(0)),
  /** Ports that anybody on the host listens on; for people, not compared. */
  listeningPortCount: z.int().min(0),
  references: targetReferencesSchema,
});
export type FingerprintBeforeObservation = z.infer<typeof observationSchema>;

/** The host before the installation is on record, and nothing of it waits for the target path to appear. */
export const fingerprintBeforeKind: CheckKind<FingerprintBeforeParams, FingerprintBeforeObservation> = {
  kind: 'fingerprint-before',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 10 * 60_000,
  judge: (_params, seen) => ({
    expectations: expectNoReferences(seen.references),
    findings: unseenFindings(seen.references),
  }),
};
