/** What a test runner said about itself. Every number is a safe integer, 0 or more. */
export interface TestCounts {
  readonly runner: TestRunner;
  /** Tests that the runner reports, skipped ones included. */
  readonly ran: number;
  /** `ran` less what failed, broke or was skipped. */
  readonly passed: number;
  readonly failed: number;
  /** Tests that could not be judged: an exception outside of an assertion, a cancelled test. */
  readonly errors: number;
  /** Left out, or expected to fail, whether they did or not: such a test proves nothing. */
  readonly skipped: number;
}

export const TEST_RUNNERS = ['unittest', 'pytest', 'junit-xml', 'tap', 'node-test', 'mocha'] as const;
export type TestRunner = (typeof TEST_RUNNERS)[number];

/**
 * Completes the counts of a runner. A runner may count one test several times (sub-tests) or a whole class that was
 * skipped or broke before a test began, so `passed` never goes below zero.
 */
export function completeCounts(
  runner: TestRunner,
  seen: Omit<TestCounts, 'runner' | 'passed'>,
): TestCounts | undefined {
  const { ran, failed, errors, skipped } = seen;
  if (![ran, failed, errors, skipped].every((count) => Number.isSafeInteger(count) && count >= 0)) return undefined;
  return { runner, ran, passed: Math.max(0, ran - failed - errors - skipped), failed, errors, skipped };
}
