import { completeCounts, type TestCounts } from './counts.ts';

/** The whole end of what `python -m unittest` writes to standard error; nothing but white space may follow. */
const SUMMARY =
  /(?:^|\n)-{70}\nRan (\d{1,9}) tests? in \d+\.\d+s\n\n(OK|FAILED|NO TESTS RAN)(?: \(([a-z0-9=, ]*)\))?\s*$/;
const BROKEN_SUMMARY = /(?:^|\n)-{70}\nRan \d{1,9} tests? in \d+\.\d+s\n\nFAILED \(/;
const DETAIL = /^(failures|errors|skipped|expected failures|unexpected successes)=(\d{1,9})$/;

export function readUnittest(stderr: string): TestCounts | undefined {
  const summary = SUMMARY.exec(stderr);
  if (!summary) return undefined;
  const [, ran = '', word = '', list = ''] = summary;
  const details = readDetails(list);
  if (!details) return undefined;
  const failed = (details.get('failures') ?? 0) + (details.get('unexpected successes') ?? 0);
  const errors = details.get('errors') ?? 0;
  // A summary whose word contradicts its numbers is not the runner's own.
  if ((word === 'FAILED') !== failed + errors > 0) return undefined;
  if (word !== 'FAILED' && BROKEN_SUMMARY.test(stderr)) return undefined;
  const skipped = (details.get('skipped') ?? 0) + (details.get('expected failures') ?? 0);
  return completeCounts('unittest', { ran: Number(ran), failed, errors, skipped });
}

function readDetails(list: string): Map<string, number> | undefined {
  const details = new Map<string, number>();
  for (const item of list === '' ? [] : list.split(', ')) {
    const [, name, count] = DETAIL.exec(item) ?? [];
    if (name === undefined || details.has(name)) return undefined;
    details.set(name, Number(count));
  }
  return details;
}
