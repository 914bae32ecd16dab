import { z } from 'zod';
import { LIMITS } from '../../limits.ts';
import { TEST_RUNNERS } from '../../release/test-counts/counts.ts';
import { type CheckKind, expectEqual, expectThat, type Finding } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

const count = z.int().min(0);

const observationSchema = z.strictObject({
  argv: z.array(z.string().max(4096)).max(LIMITS.argvCount),
  /** `exit 0`, `signal SIGKILL`, `time limit`, `not started: ...` */
  ended: z.string().max(512),
  /** What the test runner said of itself; absent when it said nothing that can be read. */
  counts: z
    .strictObject({
      runner: z.enum(TEST_RUNNERS),
      ran: count,
      passed: count,
      failed: count,
      errors: count,
      skipped: count,
    })
    .optional(),
});
export type SourceTestsObservation = z.infer<typeof observationSchema>;

const paramsSchema = z.strictObject({ min: count, failed: count });
type SourceTestsParams = z.infer<typeof paramsSchema>;

/** The project's own tests, run in a clean checkout of the commit. */
export const sourceTestsKind: CheckKind<SourceTestsParams, SourceTestsObservation> = {
  kind: 'source-tests',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 600_000,
  judge: (params, { ended, counts }) => ({
    expectations: [endExpectation(params, ended), ...countExpectations(params, counts)],
    findings: skippedFinding(counts),
  }),
};

/** Tests that may fail make a runner exit with another code than 0, so 0 is asked for only where none may. */
function endExpectation({ failed }: SourceTestsParams, ended: string): Expectation {
  const what = 'the test command ends with';
  if (failed === 0) return expectEqual(what, 'exit 0', ended);
  return expectThat(what, { expected: 'an exit of its own', actual: ended, met: ended.startsWith('exit ') });
}

function countExpectations(params: SourceTestsParams, counts: SourceTestsObservation['counts']): Expectation[] {
  if (!counts) {
    return [expectThat('test counts', { expected: 'a summary of a known test runner', actual: 'none', met: false })];
  }
  const broken = counts.failed + counts.errors;
  return [
    expectThat('tests passed', {
      expected: `at least ${params.min}`,
      actual: counts.passed,
      met: counts.passed >= params.min,
    }),
    expectThat('tests failed', { expected: `at most ${params.failed}`, actual: broken, met: broken <= params.failed }),
  ];
}

function skippedFinding(counts: SourceTestsObservation['counts']): Finding[] {
  if (!counts || counts.skipped === 0) return [];
  return [
    {
      code: 'tests-skipped',
      statement: `${counts.skipped} of ${counts.ran} tests were skipped or expected to fail on the build machine`,
    },
  ];
}
