import type { z } from 'zod';
import { type CheckKind, expectThat } from '../check-kind.ts';
import { expectNoReference, type ReferencesSeen, referencesParamsSchema, referencesSeenSchema } from './references.ts';

export type NoProcessParams = z.infer<typeof referencesParamsSchema>;
export type NoProcessObservation = ReferencesSeen;

/** No running process refers to the installation by its program, arguments or working directory. */
export const noProcessKind: CheckKind<NoProcessParams, NoProcessObservation> = {
  kind: 'no-process',
  params: referencesParamsSchema,
  observation: referencesSeenSchema,
  timeoutMs: 30_000,
  judge: ({ paths }, seen) => ({
    expectations: [
      // The agent itself always runs: a host on which no process can be seen has shown nothing.
      expectThat('processes read', { expected: 'at least 1', actual: seen.readCount, met: seen.readCount >= 1 }),
      ...expectNoReference('processes that refer to it', paths, seen),
    ],
    findings: [],
  }),
};
