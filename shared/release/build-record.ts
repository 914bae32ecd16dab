/**
 * The build record: the evidence of gates G0 to G2, seen on the build machine. It is reached by digest from the signed
 * release statement, so the release engineers sign it with the release; the host copies it into its own ledger.
 *
 * It holds no clock and no duration on purpose: two builds of one commit on one machine are byte-identical.
 */
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { failureCapsuleSchema } from '../ledger/evidence.ts';

const recordSchema = z.strictObject({
  schema: z.literal('keyturn.build-record/v1'),
  checks: z
    .array(
      z.strictObject({
        check: z.string().max(128),
        gate: z.enum(['G0', 'G1', 'G2']),
        kind: z.string().max(64),
        observation: z.json(),
        capsule: failureCapsuleSchema.optional(),
      }),
    )
    .max(64),
});
export type BuildRecord = z.infer<typeof recordSchema>;
export type BuildObservation = BuildRecord['checks'][number];

export function encodeBuildRecord(record: BuildRecord): Buffer {
  return encodeCanonical(recordSchema.parse(record));
}

/** Errors: `RejectedError` with `not-canonical-json` or `build-record-malformed`. */
export function parseBuildRecord(bytes: Uint8Array): BuildRecord {
  const parsed = recordSchema.safeParse(decodeCanonical(bytes, 'build record'));
  if (!parsed.success) {
    throw new RejectedError('build-record-malformed', `failed to read build record: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
