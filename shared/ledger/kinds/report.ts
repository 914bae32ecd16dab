/**
 * G8: the report set was generated from the signed ledger and every configured sink took it.
 *
 * The observation is a receipt: which documents by digest, which sinks with which outcome. The control plane says it and
 * the host signs it, so it holds nothing that a report set cannot have: a document has one of the names below.
 */
import { z } from 'zod';
import { type CheckKind, expectThat } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

/** The documents in their order; the last one is made when G8 is settled, so no receipt needs it. */
export const REPORT_DOCUMENTS = [
  '01-environment-and-authority',
  '02-source-and-tests',
  '03-artifact',
  '04-preflight-and-plan',
  '05-install',
  '06-checks-and-dry-run',
  '07-rollback-and-disable-proof',
  '08-final-report',
] as const;

/** The forms of each document, as its file's name ends. */
export const REPORT_FORMS = ['md', 'html', 'json'] as const;

/** Every file that a report set can have. */
export const REPORT_FILES: readonly string[] = REPORT_DOCUMENTS.flatMap((document) => filesOf(document));

export function isReportFile(name: string): boolean {
  return REPORT_FILES.includes(name);
}

const params = z.strictObject({
  /** How many of the documents must be there, from the first one on. */
  documents: z.int().min(1).max(REPORT_DOCUMENTS.length),
});
export type ReportParams = z.infer<typeof params>;

const observation = z.strictObject({
  documents: z.array(z.strictObject({ name: z.enum(REPORT_FILES), sha256: z.string().max(64) })).max(256),
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
    const taken = sinks.filter(({ ok }) => ok).length;
    return {
      expectations: [
        expectDocuments(REPORT_DOCUMENTS.slice(0, needed).flatMap(filesOf), documents),
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

/** Each of `needed` once, and none of them or of others without a digest. */
function expectDocuments(needed: readonly string[], documents: ReportObservation['documents']): Expectation {
  const proven = new Set(documents.filter(({ sha256 }) => SHA256_PATTERN.test(sha256)).map(({ name }) => name));
  const missing = needed.filter((name) => !proven.has(name));
  const odd = documents.length - proven.size;
  const shortfall = [
    ...(missing.length > 0
      ? [`without ${missing[0]}${missing.length > 1 ? ` and ${missing.length - 1} more` : ''}`]
      : []),
    ...(odd > 0 ? [`${odd} twice or without a digest`] : []),
  ];
  return expectThat('documents generated', {
    expected: `the ${needed.length} files of 01 to ${needed.at(-1)?.slice(0, 2)}, each with a digest`,
    actual: [`${proven.size} files`, ...shortfall].join(', '),
    met: missing.length === 0 && odd === 0,
  });
}

function filesOf(document: string): string[] {
  return REPORT_FORMS.map((form) => `${document}.${form}`);
}
