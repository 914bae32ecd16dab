/**
 * The plan of a release: what its `keyturn.yaml` says, with every default filled in, as canonical JSON. It is signed
 * with the release; an agent runs what the plan names and nothing else (P2).
 */
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { NAME_PATTERN } from './names.ts';
import { APP_PATTERN, VERSION_PATTERN } from './release-statement.ts';

/** No dot: ids such as `g3.tools` are Keyturn's own checks. */
export const CHECK_ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/;
export { NAME_PATTERN };
/** Gates that a project may fill itself: G5, G6 and its own, which run between G6 and G7. */
export const GATE_PATTERN = /^(G5|G6|(?!G\d)[A-Z][A-Z0-9-]{1,15})$/;

/** Minute, hour, day of the month, month, day of the week: numbers, ranges, lists and steps. */
export const SCHEDULE_PATTERN = /^[\d*][\d*,/-]*( [\d*][\d*,/-]*){4}$/;

/** A command line: never a shell string; no argument may hold NUL. */
export const argvSchema = z
  .array(
    z
      .string()
      .max(LIMITS.argumentBytes)
      .refine((argument) => !argument.includes('\0'), 'expected no NUL'),
  )
  .min(1)
  .max(LIMITS.argvCount);

/** An absolute, normalised POSIX path. */
export const absolutePathSchema = z
  .string()
  .max(LIMITS.pathBytes)
  .regex(/^(\/[^/\0]+)+$/, 'expected an absolute path without a trailing slash')
  .refine((path) => !path.split('/').some((segment) => segment === '..' || segment === '.'), 'expected no "." or ".."');

const entrypointSchema = z.strictObject({
  argv: argvSchema,
  /** May change production; starts only with a permit. */
  live: z.boolean(),
  stopGates: z.array(z.string().regex(/^[A-Z][A-Z0-9-]{0,15}$/)).max(32),
  /** Arguments that make the entrypoint only show that it exists, such as `--help`. */
  probe: z.array(z.string().max(LIMITS.argumentBytes)).max(LIMITS.argvCount).optional(),
  network: z.boolean(),
  writable: z.array(absolutePathSchema).max(32),
  /** Names out of the plan's secrets that a process of it gets; none unless said. */
  secrets: z.array(z.string().regex(NAME_PATTERN)).max(64).optional(),
  /** When a live one is started by itself while its gate is open: five fields of cron, in UTC. */
  schedule: z.string().max(128).regex(SCHEDULE_PATTERN, 'expected five fields of cron').optional(),
});
export type Entrypoint = z.infer<typeof entrypointSchema>;

const toolSchema = z.strictObject({
  /** A semver range, or absent: any version. */
  version: z.string().max(128).optional(),
  /** An optional tool that is missing is a finding, a required one blocks G3. */
  optional: z.boolean(),
  /** Arguments that print the version; `--version` unless said. */
  argv: z.array(z.string().max(256)).max(16),
});

export const plannedCheckSchema = z.strictObject({
  id: z.string().regex(CHECK_ID_PATTERN),
  kind: z.string().max(64),
  params: z.record(z.string(), z.json()),
  timeoutMs: z
    .int()
    .min(1)
    .max(24 * 3600 * 1000),
});
export type PlanCheck = z.infer<typeof plannedCheckSchema>;

const planSchema = z.strictObject({
  schema: z.literal('keyturn.plan/v1'),
  app: z.string().regex(APP_PATTERN),
  version: z.string().regex(VERSION_PATTERN),
  declaredVersion: z.strictObject({ file: z.string(), pattern: z.string().max(1024) }).optional(),
  install: z.strictObject({ root: absolutePathSchema, preserve: z.array(z.string().max(255)).max(256) }),
  artifact: z.strictObject({ forbid: z.array(z.string().max(1024)).max(256) }),
  tests: z
    .strictObject({ argv: argvSchema, min: z.int().min(0), failed: z.int().min(0), timeoutMs: z.int().min(1) })
    .optional(),
  requires: z.strictObject({ tools: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$/), toolSchema) }),
  secrets: z.array(z.string().regex(NAME_PATTERN)).max(64),
  entrypoints: z.record(z.string().regex(NAME_PATTERN), entrypointSchema),
  invariants: z.record(
    z.string().regex(NAME_PATTERN),
    z.strictObject({
      sql: z.strictObject({
        dsn: z.string().regex(NAME_PATTERN),
        schemas: z.array(z.string().min(1).max(63)).min(1).max(64).optional(),
        queries: z.record(z.string(), z.string().max(16_384)),
        digests: z.record(z.string().regex(NAME_PATTERN), z.string().max(16_384)).optional(),
      }),
    }),
  ),
  /** How many checks of a gate may run at a time; as many as the host has processors unless said. */
  parallel: z.int().min(1).max(LIMITS.parallelCheckCount).optional(),
  gates: z
    .array(z.strictObject({ gate: z.string().regex(GATE_PATTERN), checks: z.array(plannedCheckSchema).min(1) }))
    .max(64),
});
export type Plan = z.infer<typeof planSchema>;

export function encodePlan(plan: Plan): Buffer {
  const bytes = encodeCanonical(planSchema.parse(plan));
  parsePlan(bytes);
  return bytes;
}

/** Errors: `RejectedError` with `plan-too-large`, `not-canonical-json`, `plan-malformed` or `check-id-repeated`. */
export function parsePlan(bytes: Uint8Array): Plan {
  if (bytes.byteLength > LIMITS.planBytes) {
    throw new RejectedError(
      'plan-too-large',
      `failed to read plan: ${bytes.byteLength} bytes, expected at most ${LIMITS.planBytes}`,
    );
  }
  const parsed = planSchema.safeParse(decodeCanonical(bytes, 'plan'));
  if (!parsed.success) {
    throw new RejectedError('plan-malformed', `failed to read plan: ${z.prettifyError(parsed.error)}`);
  }
  checkIdsDiffer(parsed.data);
  return parsed.data;
}

function checkIdsDiffer(plan: Plan): void {
  const seen = new Set<string>();
  for (const { checks } of plan.gates) {
    for (const { id } of checks) {
      if (seen.has(id))
        throw new RejectedError('check-id-repeated', `failed to read plan: check id "${id}" stands twice`);
      seen.add(id);
    }
  }
  if (seen.size > LIMITS.checksPerPlanCount) {
    throw new RejectedError(
      'plan-too-large',
      `failed to read plan: ${seen.size} checks, expected at most ${LIMITS.checksPerPlanCount}`,
    );
  }
}
