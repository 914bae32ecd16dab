/** The shape of a `keyturn.yaml` save its checks, whose parameters belong to their kinds. */
import { z } from 'zod';
import { LIMITS } from '../../limits.ts';
import { absolutePathSchema, argvSchema, GATE_PATTERN, NAME_PATTERN, SCHEDULE_PATTERN } from '../plan.ts';
import { APP_PATTERN } from '../release-statement.ts';

const name = z.string().regex(NAME_PATTERN, 'a name of lower-case letters, digits, "-" and "_"');

const versionRange = z.string().min(1).max(128);

const toolSchema = z.union([
  versionRange,
  z.strictObject({
    version: versionRange.optional(),
    optional: z.boolean().optional(),
    argv: z.array(z.string().max(256)).max(16).optional(),
  }),
]);

const entrypointSchema = z.strictObject({
  argv: argvSchema,
  live: z.boolean().optional(),
  stopGates: z
    .array(z.string().regex(/^[A-Z][A-Z0-9-]{0,15}$/, 'a name such as SG1'))
    .max(32)
    .optional(),
  probe: z.array(z.string().max(1024)).min(1).max(64).optional(),
  network: z.boolean().optional(),
  writable: z.array(absolutePathSchema).max(32).optional(),
  secrets: z.array(name).max(64).optional(),
  schedule: z.string().max(128).regex(SCHEDULE_PATTERN, 'five fields of cron, such as "0 3 * * 1"').optional(),
});

const testsSchema = z.strictObject({
  argv: argvSchema,
  expect: z
    .strictObject({ tests: z.strictObject({ min: z.int().min(1).optional(), failed: z.int().min(0).optional() }) })
    .optional(),
  timeoutMs: z
    .int()
    .min(1)
    .max(24 * 3600 * 1000)
    .optional(),
});

const neighbour = z
  .string()
  .min(1)
  .max(255)
  .refine(
    (text) => !/[/\0]/.test(text) && text !== '.' && text !== '..',
    'the name of a folder beside the installation, without a slash',
  );

/** The file that declares a version: read from the commit's tree, never from the disk. */
const treeFile = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    (text) => !text.startsWith('/') && !text.split('/').some((part) => ['', '.', '..'].includes(part)),
    'a path inside the repository',
  );

const versionPattern = z
  .string()
  .min(1)
  .max(1024)
  .refine(hasGroup, 'a regular expression with a group around the version');

export const keyturnYamlSchema = z.strictObject({
  name: z.string().regex(APP_PATTERN, 'lower-case letters, digits and "-", beginning with a letter'),
  version: z.strictObject({ file: treeFile, pattern: versionPattern }).optional(),
  install: z.strictObject({ root: absolutePathSchema, preserve: z.array(neighbour).max(256).optional() }),
  artifact: z.strictObject({ forbid: z.array(z.string().min(1).max(1024)).max(256).optional() }).optional(),
  tests: testsSchema.optional(),
  requires: z
    .strictObject({ tools: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$/), toolSchema).optional() })
    .optional(),
  secrets: z.array(name).max(64).optional(),
  entrypoints: z.record(name, entrypointSchema).optional(),
  invariants: z
    .record(
      name,
      z.strictObject({
        sql: z.strictObject({
          dsn: name,
          schemas: z.array(z.string().min(1).max(63)).min(1).max(64).optional(),
          queries: z.record(z.string().min(1).max(64), z.string().max(16_384)),
          digests: z.record(name, z.string().min(1).max(16_384)).optional(),
        }),
      }),
    )
    .optional(),
  parallel: z.int().min(1).max(LIMITS.parallelCheckCount).optional(),
  gates: z
    .record(
      z.string().regex(GATE_PATTERN, 'G5, G6 or a name in capitals'),
      z.array(z.record(z.string(), z.unknown())).min(1),
    )
    .optional(),
});
export type KeyturnYaml = z.infer<typeof keyturnYamlSchema>;

function hasGroup(pattern: string): boolean {
  try {
    return (new RegExp(`${pattern}|`).exec('')?.length ?? 0) > 1;
  } catch {
    return false; // the only thing that a RegExp constructor throws is a SyntaxError
  }
}
