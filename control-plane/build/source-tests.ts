import type { SourceTestsObservation } from '../../shared/ledger/kinds/source-tests.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Plan } from '../../shared/release/plan.ts';
import { readTestCounts } from '../../shared/release/test-counts.ts';
import type { SeenByBuild } from './build-checks.ts';
import { type Checkout, capsuleOf } from './checkout.ts';
import { endText } from './run-command.ts';

type SourceTestsSeen = SeenByBuild<{ min: number; failed: number }, SourceTestsObservation>;

/** Runs the project's own tests in the checkout, and reads the counts from what their runner printed. */
export async function observeSourceTests(
  { argv, min, failed, timeoutMs }: NonNullable<Plan['tests']>,
  { checkout, signal }: { checkout: Checkout; signal: AbortSignal | undefined },
): Promise<SourceTestsSeen> {
  const result = await checkout.run(argv, { timeoutMs, keepBytes: LIMITS.testReportBytes, signal });
  signal?.throwIfAborted();
  const counts =
    result.end.how === 'exited'
      ? readTestCounts(result.stdout.toString('utf8'), result.stderr.toString('utf8'))
      : undefined;
  const observation = {
    argv: argv.map((argument) => argument.slice(0, 4096)),
    ended: endText(result.end),
    ...(counts && { counts }),
  };
  return { params: { min, failed }, observation, capsule: capsuleOf(argv, result) };
}
