import { z } from 'zod';
import { isInRange } from '../../release/version-range.ts';
import { type CheckKind, expectThat, type Finding } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

const paramsSchema = z.strictObject({
  tools: z.record(
    z.string(),
    z.strictObject({
      version: z.string().max(128).optional(),
      optional: z.boolean(),
      argv: z.array(z.string()),
    }),
  ),
});
export type ToolsParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  tools: z
    .array(
      z.strictObject({
        name: z.string().max(64),
        /** On the PATH that checks get; absent: not there. */
        path: z.string().max(1024).optional(),
        /** As the tool told it inside the sandbox; absent: it told none, or the plan wants any. */
        version: z.string().max(64).optional(),
      }),
    )
    .max(256),
});
export type ToolsObservation = z.infer<typeof observationSchema>;
type Wanted = ToolsParams['tools'][string];
type Seen = ToolsObservation['tools'][number];

/** Every required tool is on this host in a version of the plan's range; what is optional and missing is a finding. */
export const toolsKind: CheckKind<ToolsParams, ToolsObservation> = {
  kind: 'tools',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 120_000,
  bearsCompany: true,
  judge({ tools }, seen) {
    const rows = Object.entries(tools).map(([name, wanted]) => ({
      name,
      wanted,
      seen: seen.tools.find((tool) => tool.name === name),
    }));
    const required = rows.filter(({ wanted }) => !wanted.optional);
    return {
      expectations: required.length === 0 ? [noneRequired] : required.map(expectTool),
      findings: rows.flatMap(toolFindings),
    };
  },
};

interface ToolRow {
  readonly name: string;
  readonly wanted: Wanted;
  readonly seen: Seen | undefined;
}

const noneRequired = expectThat('required tools', { expected: 'each present', actual: 'none required', met: true });

function expectTool({ name, wanted, seen }: ToolRow): Expectation {
  return expectThat(`tool ${name}`, {
    expected: wanted.version ?? 'any version',
    actual: seen?.path === undefined ? 'absent' : (seen.version ?? 'of unknown version'),
    met: seen?.path !== undefined && isWanted(wanted, seen),
  });
}

function isWanted(wanted: Wanted, seen: Seen): boolean {
  if (wanted.version === undefined) return true;
  // A range that cannot be read is met by nothing.
  return seen.version !== undefined && isInRange(seen.version, wanted.version) === true;
}

function toolFindings({ name, wanted, seen }: ToolRow): Finding[] {
  if (seen?.path === undefined) return [{ code: 'tool-missing', statement: `${name} is absent on this host` }];
  if (isWanted(wanted, seen)) return [];
  const version = seen.version ?? 'of unknown version';
  return [
    { code: 'tool-version-differs', statement: `${name} is ${version} on this host, the plan wants ${wanted.version}` },
  ];
}
