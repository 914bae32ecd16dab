import { z } from 'zod';
import { type CheckKind, expectThat } from '../check-kind.ts';

const text = z.string().min(1).max(256);

const observationSchema = z.strictObject({
  /** As `uname` would say it: `linux`, `darwin`. */
  platform: text,
  architecture: text,
  /** The name that the build machine gives itself: a label for people, proven by nothing. */
  machine: text,
  node: text,
  git: text,
  keyturn: text,
});
export type BuildEnvironmentObservation = z.infer<typeof observationSchema>;

const paramsSchema = z.strictObject({});

/** The build machine, and the tools that made the release. */
export const buildEnvironmentKind: CheckKind<z.infer<typeof paramsSchema>, BuildEnvironmentObservation> = {
  kind: 'build-environment',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 10_000,
  judge: (_params, { platform, architecture, node, git }) => ({
    expectations: [
      expectThat('the build machine is known', {
        expected: 'a platform, an architecture, a Node and a git',
        actual: `${platform} ${architecture}, node ${node}, git ${git}`,
        met: [platform, architecture, node, git].every((part) => part !== ''),
      }),
    ],
    findings: [],
  }),
};
