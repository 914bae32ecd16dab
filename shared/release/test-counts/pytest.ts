import { completeCounts, type TestCounts } from './counts.ts';

/** The last line of pytest: between `=` signs, or bare with `-q`. */
const LAST_LINE =
  /^(?:=+ )?((?:\d{1,9} (?:subtests? )?[a-z]+(?:, )?)+|no tests ran) in \d+\.\d+s(?: \(\d+(?: days?, \d+)?:\d\d:\d\d\))?(?: =+)?$/;
const ITEM =
  /^(\d{1,9}) (passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun|reruns|subtests? [a-z]+)$/;
const BROKEN_ITEM = /\b\d{1,9} (?:failed|errors?)\b/;

export function readPytest(stdout: string): TestCounts | undefined {
  const lines = stdout.trimEnd().split('\n');
  const list = summaryIn(lines.at(-1) ?? '');
  if (list === undefined) return undefined;
  if (!BROKEN_ITEM.test(list) && lines.some((line) => BROKEN_ITEM.test(summaryIn(line) ?? ''))) return undefined;
  const counts = list === 'no tests ran' ? new Map<string, number>() : readItems(list);
  if (!counts) return undefined;
  const of = (name: string): number => counts.get(name) ?? 0;
  const failed = of('failed');
  const errors = of('error');
  const skipped = of('skipped') + of('xfailed') + of('xpassed');
  return completeCounts('pytest', { ran: of('passed') + failed + errors + skipped, failed, errors, skipped });
}

function summaryIn(line: string): string | undefined {
  return LAST_LINE.exec(line)?.[1];
}

function readItems(list: string): Map<string, number> | undefined {
  const counts = new Map<string, number>();
  for (const item of list.split(', ')) {
    const [, count, word] = ITEM.exec(item) ?? [];
    if (word === undefined) return undefined;
    const name = word === 'errors' ? 'error' : word;
    if (counts.has(name)) return undefined;
    counts.set(name, Number(count));
  }
  return counts;
}
