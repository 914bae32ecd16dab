/**
 * G8: the report set was generated from the signed ledger and every configured sink took it.
 *
 * The observation is a receipt: which documents by digest, which sinks with which outcome.
 */
import { z } from 'zod';
import { type CheckKind, expectThat } from '../check-kind.ts';

const params = z.strictObject({ documents: z.int().min(1).max(64) });
export type ReportParams = z.infer<typeof params>;

const observation = z.strictObject({
  documents: z.array(z.strictObject({ name: z.string().min(1).max(255), sha256: z.string().max(64) })).max(256),
  sinks: z
    .array(z.strictObject({ kind: z.string().min(1).max(64), location: z.string().max(2048), ok: z.boolean() }))
    .max(64),
});
export type ReportObservation = z.infer<typeof observation>;

const SHA256_PATTERN = /^[0-9a-f]{64}$/;

export const reportKind: CheckKind<ReportParams, ReportObservation> = {
  kind: 'report',
  params,
  observation,
  /** Sinks are remote and retried; publishing is bounded by this. */
  timeoutMs: 10 * 60 * 1000,
  judge: ({ documents: needed }, { documents, sinks }) => {
    const proven = new Set(documents.filter(({ sha256 }) => SHA256_PATTERN.test(sha256)).map(({ name }) => name));
    const taken = sinks.filter(({ ok }) => ok).length;
    return {
      expectations: [
        expectThat('documents generated', {
          expected: `at least ${needed} by different names, each with a digest`,
          actual: documents.length === proven.size ? proven.size : `${proven.size} of ${documents.length}`,
          met: proven.size >= needed && documents.length === proven.size,
        }),
        expectThat('documents published', {
          expected: 'every sink took them, at least one',
          actual: `${taken} of ${sinks.length} sinks`,
          met: sinks.length > 0 && taken === sinks.length,
        }),
      ],
      findings: sinks
        .filter(({ ok }) => !ok)
        .map(({ kind, location }) => ({
          code: 'sink-failed',
          statement: `the ${kind} sink "${location}" did not take the documents`,
        })),
    };
  },
};
