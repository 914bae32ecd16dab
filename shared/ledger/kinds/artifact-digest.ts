import { z } from 'zod';
import { LIMITS } from '../../limits.ts';
import { type CheckKind, expectEqual, expectThat } from '../check-kind.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().min(0).max(LIMITS.releaseBytes);
const archive = z.strictObject({ sha256: digest, size });

const observationSchema = z.strictObject({
  /** The archive, packed twice from the same commit. */
  first: archive,
  second: archive,
  treeDigest: digest,
  files: z.int().min(0),
  links: z.int().min(0),
});
export type ArtifactDigestObservation = z.infer<typeof observationSchema>;

const paramsSchema = z.strictObject({ sha256: digest, size, treeDigest: digest });

/** The archive is the signed one, and packing the commit again gives the same bytes. */
export const artifactDigestKind: CheckKind<z.infer<typeof paramsSchema>, ArtifactDigestObservation> = {
  kind: 'artifact-digest',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 600_000,
  judge: (params, { first, second, treeDigest, files, links }) => ({
    expectations: [
      expectEqual('sha256 of the archive', params.sha256, first.sha256),
      expectEqual('bytes of the archive', params.size, first.size),
      expectEqual('sha256 of the archive, packed again', params.sha256, second.sha256),
      expectEqual('bytes of the archive, packed again', params.size, second.size),
      expectEqual('tree digest', params.treeDigest, treeDigest),
      expectThat('entries', { expected: 'at least 1', actual: files + links, met: files + links > 0 }),
    ],
    findings: [],
  }),
};
