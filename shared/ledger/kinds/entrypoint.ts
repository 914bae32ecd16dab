import { z } from 'zod';
import { NAME_PATTERN } from '../../release/plan.ts';
import { type CheckKind, expectEqual, expectThat, type Finding } from '../check-kind.ts';
import type { Expectation } from '../status.ts';
import { endedText, expectExit, processFindings, processSeenSchema } from './process-seen.ts';

const paramsSchema = z.strictObject({ entrypoint: z.string().regex(NAME_PATTERN) });
export type EntrypointParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  entrypoint: z.string().max(64),
  resolution: z.strictObject({
    resolves: z.boolean(),
    /** What it resolves to, or what is missing. */
    to: z.string().max(1024),
  }),
  probe: z.discriminatedUnion('was', [
    z.strictObject({ was: z.literal('run'), process: processSeenSchema }),
    /** The entrypoint declares no probe. */
    z.strictObject({ was: z.literal('undeclared') }),
    /** Nothing to start, as it does not resolve. */
    z.strictObject({ was: z.literal('left-out') }),
  ]),
});
export type EntrypointObservation = z.infer<typeof observationSchema>;

/** An entrypoint of the plan leads to code that is in the tree, and answers its probe where it declares one. */
export const entrypointKind: CheckKind<EntrypointParams, EntrypointObservation> = {
  kind: 'entrypoint',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 60_000,
  bearsCompany: true,
  judge({ entrypoint }, seen) {
    const expectations = [
      expectEqual('entrypoint', entrypoint, seen.entrypoint),
      expectThat('resolves', {
        expected: 'to a program or module',
        actual: seen.resolution.to,
        met: seen.resolution.resolves,
      }),
      ...expectProbe(seen),
    ];
    return { expectations, findings: findingsOf(seen, expectations) };
  },
};

function expectProbe({ probe }: EntrypointObservation): Expectation[] {
  switch (probe.was) {
    case 'run':
      return [expectExit('probe', [0], probe.process)];
    case 'undeclared':
      return [];
    case 'left-out':
      return [expectThat('probe', { expected: 'exit 0', actual: 'was not started', met: false })];
  }
}

function findingsOf(seen: EntrypointObservation, expectations: readonly Expectation[]): Finding[] {
  const { probe, resolution, entrypoint } = seen;
  const why =
    resolution.resolves && probe.was === 'run' ? `its probe ended with ${endedText(probe.process)}` : resolution.to;
  const missing: Finding = {
    code: 'entrypoint-does-not-exist',
    statement: `entrypoint "${entrypoint}" does not exist: ${why}`,
  };
  const unprobed: Finding = {
    code: 'entrypoint-not-probed',
    statement: `entrypoint "${entrypoint}" declares no probe and was not started`,
  };
  return [
    ...(expectations.every(({ met }) => met) ? [] : [missing]),
    ...(probe.was === 'undeclared' ? [unprobed] : []),
    ...(probe.was === 'run' ? processFindings(probe.process) : []),
  ];
}
