import { z } from 'zod';
import { type CheckKind, expectThat } from '../check-kind.ts';

const paramsSchema = z.strictObject({ root: z.string() });
export type SpaceParams = z.infer<typeof paramsSchema>;

const count = z.int().min(0);
const observationSchema = z.strictObject({
  neededBytes: count,
  neededInodes: count,
  /** To this agent, on the file system of the install root. */
  freeBytes: count,
  /** Absent where the file system makes inodes as it needs them. */
  freeInodes: count.optional(),
});
export type SpaceObservation = z.infer<typeof observationSchema>;

/** There is room for the release twice, as it is received and as it is staged, and some to spare. */
export const spaceKind: CheckKind<SpaceParams, SpaceObservation> = {
  kind: 'space',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 30_000,
  bearsCompany: true,
  judge: (_params, seen) => ({
    expectations: [
      expectAtLeast('free bytes', seen.neededBytes, seen.freeBytes),
      ...(seen.freeInodes === undefined ? [] : [expectAtLeast('free inodes', seen.neededInodes, seen.freeInodes)]),
    ],
    findings: [],
  }),
};

function expectAtLeast(what: string, needed: number, free: number) {
  return expectThat(what, { expected: `at least ${needed}`, actual: free, met: free >= needed });
}
