import { completeCounts, type TestCounts } from './counts.ts';

/** The end of mocha's spec, dot and list reporters; the details of failures follow only where there are failures. */
const SUMMARY =
  /(?:^|\n) {2}(\d{1,9}) passing \([^()\n]{1,32}\)\n(?: {2}(\d{1,9}) pending\n)?(?: {2}(\d{1,9}) failing\n\n {2}1\) [\s\S]*)?\s*$/;
const ANY_SUMMARY = /\n {2}\d{1,9} passing \([^()\n]{1,32}\)\n/g;
const BROKEN_SUMMARY = /\n {2}\d{1,9} passing \([^()\n]{1,32}\)\n(?: {2}\d{1,9} pending\n)? {2}\d{1,9} failing\n/;

/** The JSON reporter writes one indented document behind whatever the tests have printed; its other braces are indented. */
const REPORT_BEGINS = '\n{\n  "stats": {\n';
const BROKEN_STATS = /\n {4}"failures": [1-9]/;

export function readMocha(stdout: string): TestCounts | undefined {
  const text = `\n${stdout}`;
  const at = text.lastIndexOf(REPORT_BEGINS);
  return at < 0 ? readMochaSpec(stdout) : readMochaJson(text.slice(at), text.slice(0, at));
}

function readMochaSpec(stdout: string): TestCounts | undefined {
  const text = `\n${stdout.trimEnd()}\n`;
  const last = [...text.matchAll(ANY_SUMMARY)].at(-1);
  const summary = SUMMARY.exec(text.slice(last?.index ?? text.length));
  if (!summary || (summary[3] === undefined && BROKEN_SUMMARY.test(text))) return undefined;
  const [passed, pending, failed] = [summary[1], summary[2], summary[3]].map((digits) => Number(digits ?? 0));
  return countsOf({ passes: passed ?? 0, pending: pending ?? 0, failures: failed ?? 0 });
}

/** The totals of a report must agree with its lists; `before` is what was printed in front of it. */
function readMochaJson(document: string, before: string): TestCounts | undefined {
  const report = parseObject(document);
  const stats = report?.stats as Record<string, unknown> | undefined;
  if (!report || typeof stats !== 'object' || stats === null) return undefined;
  const lengths = ['passes', 'pending', 'failures'].map((name) => {
    const list = report[name];
    return Array.isArray(list) && stats[name] === list.length ? list.length : Number.NaN;
  });
  if (lengths.some(Number.isNaN)) return undefined;
  const [passes = 0, pending = 0, failures = 0] = lengths;
  if (failures === 0 && (BROKEN_STATS.test(before) || BROKEN_SUMMARY.test(before))) return undefined;
  return countsOf({ passes, pending, failures });
}

function countsOf({
  passes,
  pending,
  failures,
}: {
  passes: number;
  pending: number;
  failures: number;
}): TestCounts | undefined {
  return completeCounts('mocha', { ran: passes + pending + failures, failed: failures, errors: 0, skipped: pending });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // not JSON: another reporter, or an output that was cut
  }
}
