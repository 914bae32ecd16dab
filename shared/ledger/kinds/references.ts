/** What on a host refers to an installation: a part of the observations of `no-service` and `no-process`. */
import { z } from 'zod';
import { absolutePathSchema } from '../../release/plan.ts';
import { expectThat } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

export const referencesParamsSchema = z.strictObject({
  /** Further paths whose mention counts as well; the installation's own always does. */
  paths: z.array(absolutePathSchema).max(32).default([]),
});

const referenceSchema = z.strictObject({
  /** A unit file, a crontab, `pid 4711`. */
  where: z.string().max(1024),
  /** The line or command that refers; cut and redacted. */
  what: z.string().max(512),
});
export type Reference = z.infer<typeof referenceSchema>;

export const referencesSeenSchema = z.strictObject({
  /** The paths whose mention was looked for, each as on the host and as in the plan; the first is the installation's. */
  searchedFor: z.array(z.string().max(2048)).min(1).max(66),
  /** How many files or processes there were to look at. */
  readCount: z.int().min(0),
  referenceCount: z.int().min(0),
  /** The first of them. */
  references: z.array(referenceSchema).max(32),
});
export type ReferencesSeen = z.infer<typeof referencesSeenSchema>;

export function expectNoReference(what: string, paths: readonly string[], seen: ReferencesSeen): Expectation[] {
  const missing = paths.filter((path) => !seen.searchedFor.some((searched) => searched.endsWith(path)));
  const found = Math.max(seen.referenceCount, seen.references.length);
  const first = seen.references[0];
  return [
    expectThat('searched for', {
      expected: ['the installation', ...paths].join(', '),
      actual: seen.searchedFor.join(', '),
      met: missing.length === 0,
    }),
    expectThat(what, {
      expected: 'none',
      actual: found === 0 ? 'none' : `${found}, first ${first?.where ?? 'unnamed'}`,
      met: found === 0,
    }),
  ];
}
