import { completeCounts, type TestCounts } from './counts.ts';

const POINT = /^(?:not )?ok\b/;
const DIRECTIVE = /[^\\]# *(?:skip|todo)\b/i;
const PLAN = /^1\.\.(\d{1,9})(?: *#.*)?$/;

/**
 * TAP 12, 13 and 14: counts the top-level test points. The plan must stand there exactly once and name as many points
 * as there are, so that a lost or an invented line makes the whole output say nothing; so does `Bail out!`.
 */
export function readTap(stdout: string): TestCounts | undefined {
  const lines = stdout.split('\n');
  if (lines.some((line) => line.startsWith('Bail out!'))) return undefined;
  const plans = lines.flatMap((line) => PLAN.exec(line)?.[1] ?? []);
  const points = lines.filter((line) => POINT.test(line)).map(readPoint);
  if (plans.length !== 1 || Number(plans[0]) !== points.length) return undefined;
  const count = (kind: Point): number => points.filter((point) => point === kind).length;
  return completeCounts('tap', { ran: points.length, failed: count('failed'), errors: 0, skipped: count('skipped') });
}

type Point = 'passed' | 'failed' | 'skipped';

/** A TODO point says that it may fail; like a skipped one it proves nothing. */
function readPoint(line: string): Point {
  if (DIRECTIVE.test(line)) return 'skipped';
  return line.startsWith('not ') ? 'failed' : 'passed';
}
