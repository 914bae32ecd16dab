/** Evidence: what one check saw on one host, or why there is nothing to see. It holds no status (P6). */
import { z } from 'zod';
import { LIMITS } from '../limits.ts';

const instant = z.iso.datetime({ precision: 3 });
const text = z.string().max(4096);

/** Why a check failed, bounded and redacted, so that nobody has to log in to a host to learn it. */
export const failureCapsuleSchema = z.strictObject({
  argv: z.array(text).max(LIMITS.argvCount),
  /** `exit 1`, `signal SIGKILL`, `limit wall`, ... */
  ended: text,
  lastOutput: z.string().max(LIMITS.evidenceOutputBytes),
  outputBytes: z.int().min(0),
  limitsHit: z.array(text).max(16),
  /** Digest over environment, argv, limits and sandbox: equal digests failed under equal conditions. */
  environmentDigest: z.string().regex(/^[0-9a-f]{64}$/),
  sandbox: text,
});
export type FailureCapsule = z.infer<typeof failureCapsuleSchema>;

const resultSchema = z.discriminatedUnion('did', [
  /** The check ran to its end; the kind's own schema says what the observation looks like. */
  z.strictObject({ did: z.literal('observe'), observation: z.json() }),
  /** Something this host cannot prove by this plan: a sub-gap, with an owner. */
  z.strictObject({ did: z.literal('leave-a-gap'), statement: text, owner: text, route: text }),
  /** It could not start: no sandbox, no secret, no tool. */
  z.strictObject({ did: z.literal('block'), reason: text, needs: z.array(text).max(64) }),
  /** It started, and what it saw is lost. */
  z.strictObject({ did: z.literal('lose'), reason: text }),
  /** It was left out, because an earlier gate ended the run. */
  z.strictObject({ did: z.literal('not-run'), reason: text }),
]);
export type EvidenceResult = z.infer<typeof resultSchema>;

export const evidenceSchema = z.strictObject({
  check: z.string().max(128),
  gate: z.string().max(64),
  kind: z.string().max(64),
  startedAt: instant,
  durationMs: z.int().min(0),
  result: resultSchema,
  capsule: failureCapsuleSchema.optional(),
});
export type Evidence = z.infer<typeof evidenceSchema>;
