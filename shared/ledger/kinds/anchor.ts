import { z } from 'zod';
import { shortDigest } from '../../digest.ts';
import { absolutePathSchema } from '../../release/plan.ts';
import { type CheckKind, expectThat, type Finding } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const paramsSchema = z.strictObject({
  /** Neighbours, as the plan writes paths. */
  paths: z.array(absolutePathSchema).min(1).max(256),
  /** Full reads, one behind the other, each hashed anew. */
  reads: z.int().min(1).max(16).default(3),
});
export type AnchorParams = z.infer<typeof paramsSchema>;

const readSchema = z.discriminatedUnion('is', [
  z.strictObject({ is: z.enum(['folder', 'file', 'link']), digest }),
  z.strictObject({ is: z.enum(['missing', 'special']) }),
]);

const observationSchema = z.strictObject({
  anchors: z
    .array(
      z.strictObject({
        path: z.string().max(1024),
        reads: z.array(readSchema).max(16),
        /** Its digest when the run began; absent where this read is the first one. */
        before: digest.optional(),
      }),
    )
    .max(256),
});
export type AnchorObservation = z.infer<typeof observationSchema>;
type Anchor = AnchorObservation['anchors'][number];

/** Preserved neighbours have the same content in each read, and the content they had when the run began (P5). */
export const anchorKind: CheckKind<AnchorParams, AnchorObservation> = {
  kind: 'anchor',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 30 * 60_000,
  bearsCompany: true,
  judge({ paths, reads }, seen) {
    const rows = paths.map((path) => ({ path, anchor: seen.anchors.find((anchor) => anchor.path === path) }));
    return {
      expectations: rows.map(({ path, anchor }) => expectUnchanged(path, { anchor, reads })),
      findings: rows.flatMap(({ path, anchor }) => linkFinding(path, anchor)),
    };
  },
};

function expectUnchanged(path: string, { anchor, reads }: { anchor: Anchor | undefined; reads: number }): Expectation {
  const seen = (anchor?.reads ?? []).map((read) => ('digest' in read ? read.digest : read.is));
  const wanted = anchor?.before ?? seen.find((text) => digest.safeParse(text).success);
  if (wanted === undefined) {
    return expectThat(`anchor of "${path}"`, { expected: 'a digest', actual: seen[0] ?? 'not read', met: false });
  }
  return expectThat(`anchor ${shortDigest(wanted)} of "${path}" unchanged across ${reads} reads`, {
    expected: wanted,
    actual: [...new Set(seen)].join(', ') + (seen.length === reads ? '' : ` in ${seen.length} reads`),
    met: seen.length === reads && seen.every((text) => text === wanted),
  });
}

function linkFinding(path: string, anchor: Anchor | undefined): Finding[] {
  if (!anchor?.reads.some((read) => read.is === 'link')) return [];
  const statement = `"${path}" is a symbolic link: where it points is anchored, what stands there is not`;
  return [{ code: 'anchor-is-a-link', statement }];
}
