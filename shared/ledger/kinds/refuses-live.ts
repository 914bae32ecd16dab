import { z } from 'zod';
import { NAME_PATTERN } from '../../release/plan.ts';
import { type CheckKind, expectEqual } from '../check-kind.ts';
import { expectExit, processFindings, processSeenSchema } from './process-seen.ts';
import { expectMatch, patternSchema, textMatchSchema } from './text-match.ts';

/** An exit with one of these says nothing of a refusal: done, a crash, a usage error, cannot execute, not found. */
const NO_REFUSAL_EXITS = new Set([0, 1, 2, 126, 127]);

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const paramsSchema = z.strictObject({
  entrypoint: z.string().regex(NAME_PATTERN),
  /** Exit codes that the entrypoint keeps for a refusal; 77 is EX_NOPERM of sysexits. */
  exits: z
    .array(
      z
        .int()
        .min(0)
        .max(255)
        .refine((code) => !NO_REFUSAL_EXITS.has(code), 'expected none of 0, 1, 2, 126, 127'),
    )
    .min(1)
    .max(16)
    .default([77]),
  /** What its output says of the refusal. */
  matches: patternSchema.default('(?i:refus)'),
});
export type RefusesLiveParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  entrypoint: z.string().max(64),
  /** Whether the plan marks the entrypoint as live. */
  isLive: z.boolean(),
  process: processSeenSchema,
  /** Over both streams. */
  output: textMatchSchema,
  /** Of the installed tree, around the attempt. */
  treeBefore: digest,
  treeAfter: digest,
});
export type RefusesLiveObservation = z.infer<typeof observationSchema>;

/** Without a permit the live entrypoint refuses in so many words and changes nothing; a crash is no refusal. */
export const refusesLiveKind: CheckKind<RefusesLiveParams, RefusesLiveObservation> = {
  kind: 'refuses-live',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 60_000,
  bearsCompany: true,
  judge: ({ entrypoint, exits, matches }, seen) => ({
    expectations: [
      expectEqual('entrypoint', entrypoint, seen.entrypoint),
      expectEqual('entrypoint is live', true, seen.isLive),
      expectExit('refusal without a permit', exits, seen.process),
      expectMatch('output', matches, seen.output),
      expectEqual('tree digest after the attempt', seen.treeBefore, seen.treeAfter),
    ],
    findings: processFindings(seen.process),
  }),
};
