import { completeCounts, type TestCounts } from './counts.ts';

const FIELDS = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms'];

const BROKEN_LINE = /^(?:#|ℹ) (?:fail|cancelled) 0*[1-9]/;

/**
 * The eight closing lines of `node --test`, as its TAP reporter (`# tests 12`) and its spec reporter (`ℹ tests 12`)
 * write them. With the TAP reporter they end the output; the spec reporter repeats failed tests behind them.
 */
export function readNodeTest(stdout: string): TestCounts | undefined {
  const lines = stdout.trimEnd().split('\n');
  const at = lines.findLastIndex((line) => /^(?:#|ℹ) duration_ms \d+(?:\.\d+)?$/.test(line));
  if (at < FIELDS.length - 1) return undefined;
  const mark = lines[at]?.[0] ?? '';
  const numbers = FIELDS.map((field, index) =>
    numberOf(lines[at - FIELDS.length + 1 + index] ?? '', `${mark} ${field} `),
  );
  if (numbers.some(Number.isNaN)) return undefined;
  const [ran = 0, , passed = 0, failed = 0, errors = 0, skipped = 0, todo = 0] = numbers;
  if (ran !== passed + failed + errors + skipped + todo) return undefined;
  if (!mayFollow(lines.slice(at + 1), failed + errors)) return undefined;
  if (failed + errors === 0 && lines.some((line) => BROKEN_LINE.test(line))) return undefined;
  if (mark === '#' && !hasOnePlan(lines)) return undefined;
  return completeCounts('node-test', { ran, failed, errors, skipped: skipped + todo });
}

function numberOf(line: string, prefix: string): number {
  const digits = line.startsWith(prefix) ? line.slice(prefix.length) : '';
  return /^\d{1,15}(?:\.\d{1,9})?$/.test(digits) ? Number(digits) : Number.NaN;
}

/** Behind the summary of a run without a failure nothing follows: what does is not the runner's. */
function mayFollow(rest: readonly string[], broken: number): boolean {
  return rest.length === 0 || (broken > 0 && rest.includes('✖ failing tests:'));
}

function hasOnePlan(lines: readonly string[]): boolean {
  return lines.filter((line) => /^1\.\.\d+$/.test(line)).length === 1;
}
