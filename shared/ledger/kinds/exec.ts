import { z } from 'zod';
import { LIMITS } from '../../limits.ts';
import { argvSchema, NAME_PATTERN } from '../../release/plan.ts';
import { type CheckKind, expectThat, type Finding } from '../check-kind.ts';
import type { Expectation } from '../status.ts';
import { expectExit, processFindings, processSeenSchema } from './process-seen.ts';
import { expectMatch, textExpectationSchema, textMatchSchema } from './text-match.ts';
import { treePathSchema } from './tree-path.ts';

const count = z.int().min(0).max(10_000_000);

const testsExpectationSchema = z.strictObject({
  /** How many tests must have passed at least. */
  min: count.min(1),
  /** How many may have failed or ended in an error. */
  failed: count.default(0),
  /** How many may have been skipped; any number unless said. */
  skipped: count.optional(),
});
export type TestsExpectation = z.infer<typeof testsExpectationSchema>;

const paramsSchema = z.strictObject({
  argv: argvSchema,
  /** A folder inside the tree; its root unless said. */
  cwd: treePathSchema.optional(),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/), z.string().max(LIMITS.pathBytes)).default({}),
  /** Whether the host's network may be reached. */
  network: z.boolean().default(false),
  /** Names out of the plan's own secrets. */
  secrets: z.array(z.string().regex(NAME_PATTERN)).max(64).default([]),
  expect: z
    .strictObject({
      exit: z.int().min(0).max(255).default(0),
      stdout: textExpectationSchema.optional(),
      stderr: textExpectationSchema.optional(),
      tests: testsExpectationSchema.optional(),
    })
    .default({ exit: 0 }),
});
export type ExecParams = z.infer<typeof paramsSchema>;

const testsSeenSchema = z.strictObject({
  /** Whose output was read: `unittest`, `pytest`, `tap`, ... */
  runner: z.string().max(64),
  ran: count,
  passed: count,
  failed: count,
  errors: count,
  skipped: count,
});
export type TestsSeen = z.infer<typeof testsSeenSchema>;

const observationSchema = z.strictObject({
  process: processSeenSchema,
  /** Absent: the plan did not ask, or the output holds no complete summary of a known test runner. */
  tests: testsSeenSchema.optional(),
  stdout: textMatchSchema.optional(),
  stderr: textMatchSchema.optional(),
});
export type ExecObservation = z.infer<typeof observationSchema>;

/** A command of the release, run in its tree: exit code, output patterns, test counts. */
export const execKind: CheckKind<ExecParams, ExecObservation> = {
  kind: 'exec',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 600_000,
  bearsCompany: true,
  judge({ expect }, { process, tests, stdout, stderr }) {
    return {
      expectations: [
        expectExit('exit', [expect.exit], process),
        ...(expect.stdout ? [expectMatch('standard output', expect.stdout.matches, stdout)] : []),
        ...(expect.stderr ? [expectMatch('standard error', expect.stderr.matches, stderr)] : []),
        ...(expect.tests ? expectTests(expect.tests, tests) : []),
      ],
      findings: [...processFindings(process), ...testFindings(tests)],
    };
  },
};

function expectTests(expected: TestsExpectation, seen: TestsSeen | undefined): Expectation[] {
  const { min, failed, skipped } = expected;
  if (!seen) {
    return [
      expectThat('tests', { expected: `at least ${min} passed`, actual: 'no summary of a test runner', met: false }),
    ];
  }
  const bad = seen.failed + seen.errors;
  return [
    expectThat('tests passed', {
      expected: `at least ${min}`,
      actual: `${seen.passed} of ${seen.ran}`,
      met: seen.passed >= min && seen.passed <= seen.ran,
    }),
    expectThat('tests failed or in error', { expected: `at most ${failed}`, actual: bad, met: bad <= failed }),
    ...(skipped === undefined
      ? []
      : [
          expectThat('tests skipped', {
            expected: `at most ${skipped}`,
            actual: seen.skipped,
            met: seen.skipped <= skipped,
          }),
        ]),
  ];
}

function testFindings(seen: TestsSeen | undefined): Finding[] {
  if (!seen || seen.skipped === 0) return [];
  return [
    { code: 'tests-skipped', statement: `${seen.skipped} of ${seen.ran} tests were skipped or expected to fail` },
  ];
}
