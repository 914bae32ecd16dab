import { z } from 'zod';
import { LIMITS } from '../../limits.ts';
import { isSameVersion } from '../../release/version-match.ts';
import { type CheckKind, expectThat } from '../check-kind.ts';

const observationSchema = z.strictObject({
  file: z.string().max(LIMITS.pathBytes),
  /** The first group of the declared pattern; absent when nothing was read. */
  declared: z.string().max(256).optional(),
  /** Why nothing was read. */
  problem: z
    .enum(['file-missing', 'file-too-large', 'pattern-not-found', 'pattern-too-slow', 'version-too-long'])
    .optional(),
});
export type DeclaredVersionObservation = z.infer<typeof observationSchema>;

const paramsSchema = z.strictObject({ version: z.string().max(128) });

/**
 * The version that the source declares of itself. Another one than the release's is a finding and not a failure: the
 * digests say what is released, and a deployment does not edit a source.
 */
export const declaredVersionKind: CheckKind<z.infer<typeof paramsSchema>, DeclaredVersionObservation> = {
  kind: 'declared-version',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 10_000,
  judge: ({ version }, { file, declared, problem }) => ({
    expectations: [
      expectThat(`${file} declares a version`, {
        expected: 'a version',
        actual: declared ?? problem ?? 'nothing',
        met: declared !== undefined && declared !== '',
      }),
    ],
    findings:
      declared === undefined || isSameVersion(declared, version)
        ? []
        : [
            {
              code: 'version-differs-from-tag',
              statement: `${file} still declares "${declared}", the release is "${version}"`,
            },
          ],
  }),
};
