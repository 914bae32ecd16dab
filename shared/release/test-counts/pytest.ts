import { completeCounts, type TestCounts } from './counts.ts';

/** The last line of pytest: between `=` signs, or bare with `-q`. */
const LAST_LINE =
  /^(?:=+ )?((?:\d{1,9} [a-z]+(?:, )?)+|no tests ran) in \d+\.\d+s(?: \(\d+(?: days?, \d+)?:\d\d:\d\d\))?(?: =+)?$/;
const ITEM = /^(\d{1,9}) (passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun|reruns)$/;

export function readPytest(stdout: string): TestCounts | undefined {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  const [, list] = LAST_LINE.exec(line) ?? [];
  if (list === undefined) return undefined;
  const counts = list === 'no tests ran' ? new Map<string, number>() : readItems(list);
  if (!counts) return undefined;
  const of = (name: string): number => counts.get(name) ?? 0;
  const failed = of('failed');
  const errors = of('error');
  const skipped = of('skipped');
  const ran = of('passed') + of('xfailed') + of('xpassed') + failed + errors + skipped;
  return completeCounts('pytest', { ran, failed, errors, skipped });
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
