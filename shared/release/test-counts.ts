/**
 * Test counts, read from what a test runner itself printed. Pure; used on the build machine and on hosts.
 *
 * 1. Only a runner's own closing summary counts, and only where it ends the stream (mocha and `node --test` repeat
 *    failed tests behind it). So a test that prints a summary earlier changes nothing, and an output that was cut
 *    before its end says nothing, even if something like a summary stands in what is left.
 * 2. Two runners that both end in a summary contradict each other: nothing is said. Nor is anything said of a summary
 *    without a broken test behind one of the same runner with such a test: the first of two runs, or the true one.
 * 3. Undefined means "no counts", never zero. A caller that needs counts has then no proof.
 *
 * What a test prints on purpose as the very last thing cannot be told from its runner: it can end the runner behind it
 * (`os._exit(0)`), or leave a process that prints later, and neither counts nor exit code show it. The release engineers
 * sign for their own tests.
 */
import { stripVTControlCharacters } from 'node:util';
import type { TestCounts } from './test-counts/counts.ts';
import { readJunitXml } from './test-counts/junit-xml.ts';
import { readMocha } from './test-counts/mocha.ts';
import { readNodeTest } from './test-counts/node-test.ts';
import { readPytest } from './test-counts/pytest.ts';
import { readTap } from './test-counts/tap.ts';
import { readUnittest } from './test-counts/unittest.ts';

export type { TestCounts, TestRunner } from './test-counts/counts.ts';

/** The counts of the one runner whose summary ends `stdout` or `stderr`; undefined where there is none, or two. */
export function readTestCounts(stdout: string, stderr: string): TestCounts | undefined {
  const out = plainText(stdout);
  const found = [
    readUnittest(plainText(stderr)),
    readPytest(out),
    readJunitXml(out),
    // The TAP of `node --test` counts files as points; its own closing lines count tests.
    readNodeTest(out) ?? readTap(out),
    readMocha(out),
  ].filter((counts) => counts !== undefined);
  return found.length === 1 ? found[0] : undefined;
}

function plainText(output: string): string {
  return stripVTControlCharacters(output).replaceAll('\r\n', '\n');
}
