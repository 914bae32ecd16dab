import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { readTestCounts } from '../../../shared/release/test-counts.ts';

const RULE = '-'.repeat(70);
const unittest = (ran: number, end: string): string => `${RULE}\nRan ${ran} tests in 0.123s\n\n${end}\n`;

describe('test counts', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-runners-'));
    writeFileSync(join(folder, 'case.test.mjs'), NODE_TESTS);
    writeFileSync(join(folder, 'case.test.cjs'), MOCHA_TESTS);
    writeFileSync(join(folder, 'test_case.py'), PYTHON_TESTS);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const node = process.execPath;
  const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
  const runners = [
    { name: 'unittest', argv: ['python3', '-m', 'unittest', 'test_case'], runner: 'unittest' },
    {
      name: 'node --test with TAP',
      argv: [node, '--test', '--test-reporter=tap', 'case.test.mjs'],
      runner: 'node-test',
    },
    {
      name: 'node --test with spec',
      argv: [node, '--test', '--test-reporter=spec', 'case.test.mjs'],
      runner: 'node-test',
    },
    {
      name: 'node --test with JUnit XML',
      argv: [node, '--test', '--test-reporter=junit', 'case.test.mjs'],
      runner: 'junit-xml',
    },
    { name: 'mocha with spec', argv: [node, mocha, '--reporter', 'spec', 'case.test.cjs'], runner: 'mocha' },
    { name: 'mocha with dot', argv: [node, mocha, '--reporter', 'dot', 'case.test.cjs'], runner: 'mocha' },
    { name: 'mocha with JSON', argv: [node, mocha, '--reporter', 'json', 'case.test.cjs'], runner: 'mocha' },
    { name: 'mocha with TAP', argv: [node, mocha, '--reporter', 'tap', 'case.test.cjs'], runner: 'tap' },
    { name: 'mocha with XUnit', argv: [node, mocha, '--reporter', 'xunit', 'case.test.cjs'], runner: 'junit-xml' },
  ];

  for (const { name, argv, runner } of runners) {
    it(`reads what ${name} really prints, with and without a failed test`, function () {
      this.timeout(20_000);
      const [good, bad] = ['yes', 'no'].map((GOOD) => {
        const { stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), {
          cwd: folder,
          env: { PATH: process.env.PATH, GOOD },
          encoding: 'utf8',
        });
        return readTestCounts(stdout, stderr);
      });
      expect(good).to.deep.equal({ runner, ran: 3, passed: 2, failed: 0, errors: 0, skipped: 1 });
      expect(bad).to.deep.equal({ runner, ran: 3, passed: 1, failed: 1, errors: 0, skipped: 1 });
    });
  }

  it('knows nine real runners', () => expect(runners).to.have.length(9));

  const silent = [
    { name: 'nothing', stdout: '', stderr: '' },
    { name: 'a word of success', stdout: 'all tests passed\n', stderr: 'OK\n' },
    { name: 'a unittest summary on standard output, where a test prints', stdout: unittest(366, 'OK'), stderr: '' },
    { name: 'a unittest summary with something behind it', stdout: '', stderr: `${unittest(366, 'OK')}Killed\n` },
    {
      name: 'a printed summary, when the real one was cut off',
      stdout: '',
      stderr: `${unittest(366, 'OK')}test_a ... ok\ntest_b ... `,
    },
    { name: 'a unittest summary cut before its last word', stdout: '', stderr: `${RULE}\nRan 366 tests in 0.1s\n\n` },
    { name: 'a unittest OK that speaks of failures', stdout: '', stderr: unittest(366, 'OK (failures=2)') },
    { name: 'a unittest FAILED that speaks of none', stdout: '', stderr: unittest(366, 'FAILED (skipped=1)') },
    {
      name: 'a unittest detail that stands twice',
      stdout: '',
      stderr: unittest(366, 'FAILED (failures=1, failures=1)'),
    },
    { name: 'a unittest detail that nobody knows', stdout: '', stderr: unittest(366, 'OK (ignored=3)') },
    { name: 'two runners at once', stdout: '===== 5 passed in 0.10s =====\n', stderr: unittest(5, 'OK') },
    {
      name: 'a pytest line with something behind it',
      stdout: '===== 5 passed in 0.10s =====\nSegmentation fault\n',
      stderr: '',
    },
    { name: 'a pytest word that nobody knows', stdout: '5 passed, 2 maybe in 0.10s\n', stderr: '' },
    { name: 'TAP with a lost point', stdout: 'TAP version 13\n1..3\nok 1\nok 2\n', stderr: '' },
    {
      name: 'TAP with an invented point',
      stdout: 'TAP version 13\nok 1\nok 1 - printed by a test\nok 2\n1..2\n',
      stderr: '',
    },
    { name: 'TAP with two plans', stdout: '1..1\nok 1\n1..1\n', stderr: '' },
    { name: 'TAP without a plan', stdout: 'TAP version 14\nok 1\nok 2\n', stderr: '' },
    { name: 'TAP that bailed out', stdout: '1..2\nok 1\nok 2\nBail out! no database\n', stderr: '' },
    {
      name: 'mocha cut inside its JSON',
      stdout: '{"stats":{"passes":3,"pending":0,"failures":0},"passes":[',
      stderr: '',
    },
    { name: 'mocha JSON whose totals and lists differ', stdout: mochaJson({ passes: 366 }), stderr: '' },
    { name: 'a mocha summary with something behind it', stdout: '\n  366 passing (2s)\n\nKilled\n', stderr: '' },
    { name: 'JUnit XML that is cut', stdout: '<testsuites><testsuite tests="1"><testcase name="a"/>', stderr: '' },
    {
      name: 'JUnit XML that claims more than it has',
      stdout: '<testsuite tests="366"><testcase name="a"/></testsuite>',
      stderr: '',
    },
    {
      name: 'JUnit XML with a number that is none',
      stdout: '<testsuite tests="many"><testcase name="a"/></testsuite>',
      stderr: '',
    },
    {
      name: 'JUnit XML with a document type',
      stdout: '<!DOCTYPE x [<!ENTITY a "b">]><testsuite tests="0"></testsuite>',
      stderr: '',
    },
    {
      name: 'two JUnit reports in one stream',
      stdout: '<testsuite tests="0"></testsuite><testsuite tests="0"></testsuite>',
      stderr: '',
    },
    { name: 'another XML document', stdout: '<html><testcase/></html>', stderr: '' },
  ];

  for (const { name, stdout, stderr } of silent) {
    it(`says nothing of ${name}`, () => expect(readTestCounts(stdout, stderr)).to.equal(undefined));
  }

  it('has more than twenty rows that must stay silent', () => expect(silent.length).to.be.greaterThan(20));

  const told = [
    {
      name: 'the runner and not the test that printed a better summary earlier',
      stdout: unittest(366, 'OK'),
      stderr: `${unittest(366, 'OK')}F\n${unittest(3, 'FAILED (failures=1)')}`,
      counts: { runner: 'unittest', ran: 3, passed: 2, failed: 1, errors: 0, skipped: 0 },
    },
    {
      name: 'unexpected successes as failures and expected failures as passes',
      stdout: '',
      stderr: unittest(10, 'FAILED (errors=1, skipped=2, expected failures=3, unexpected successes=1)'),
      counts: { runner: 'unittest', ran: 10, passed: 6, failed: 1, errors: 1, skipped: 2 },
    },
    {
      name: 'no test at all',
      stdout: '',
      stderr: unittest(0, 'NO TESTS RAN'),
      counts: { runner: 'unittest', ran: 0, passed: 0, failed: 0, errors: 0, skipped: 0 },
    },
    {
      name: 'pytest in colours, with warnings and hours',
      stdout:
        '\u001b[31m= \u001b[1m1 failed\u001b[0m, 4 passed, 1 skipped, 2 deselected, 1 xfailed, 3 warnings, 1 error in 75.12s (0:01:15) =\u001b[0m\n',
      stderr: '',
      counts: { runner: 'pytest', ran: 8, passed: 5, failed: 1, errors: 1, skipped: 1 },
    },
    {
      name: 'pytest that collected nothing',
      stdout: 'no tests ran in 0.01s\n',
      stderr: '',
      counts: { runner: 'pytest', ran: 0, passed: 0, failed: 0, errors: 0, skipped: 0 },
    },
    {
      name: 'TAP with a plan behind, directives and nested points',
      stdout:
        'TAP version 14\nok 1 - a \\# b\n    ok 1 - nested\n    1..1\nok 2 # SKIP no disk\nnot ok 3 # TODO later\nnot ok 4\n1..4\n',
      stderr: '',
      counts: { runner: 'tap', ran: 4, passed: 1, failed: 1, errors: 0, skipped: 2 },
    },
    {
      name: 'JUnit XML with a report of its own in CDATA',
      stdout:
        '<?xml version="1.0"?>\n<testsuites><testsuite name="a" tests="2"><testcase name="x"><system-out><![CDATA[<testcase/>]]></system-out></testcase><testcase name="y"><error message="e"/></testcase></testsuite></testsuites>\n',
      stderr: 'a log line\n',
      counts: { runner: 'junit-xml', ran: 2, passed: 1, failed: 0, errors: 1, skipped: 0 },
    },
    {
      name: 'Windows line ends',
      stdout: '',
      stderr: unittest(2, 'OK').replaceAll('\n', '\r\n'),
      counts: { runner: 'unittest', ran: 2, passed: 2, failed: 0, errors: 0, skipped: 0 },
    },
  ];

  for (const { name, stdout, stderr, counts } of told) {
    it(`tells ${name}`, () => expect(readTestCounts(stdout, stderr)).to.deep.equal(counts));
  }

  it('says nothing of any unittest output that is cut before its end', () => {
    const whole = `test_a ... ok\n${unittest(366, 'OK')}`.trimEnd();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
        expect(readTestCounts('', whole.slice(0, length))).to.equal(undefined);
      }),
    );
  });

  it('takes any text without throwing, in time linear in its length', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (stdout, stderr) => void readTestCounts(stdout, stderr)));
    const started = performance.now();
    for (const hostile of ['1 a, ', ' ', '\n', '  1 passing (1s)\n', '<a b="c" ', '<![CDATA[', 'ok # skip ', '='])
      readTestCounts(hostile.repeat(200_000), hostile.repeat(200_000));
    expect(performance.now() - started).to.be.lessThan(10_000);
  }).timeout(20_000);
});

function mochaJson(stats: Record<string, number>): string {
  return JSON.stringify({
    stats: { passes: 1, pending: 0, failures: 0, ...stats },
    passes: [{}],
    pending: [],
    failures: [],
  });
}

const NODE_TESTS = `
import { test } from 'node:test';
test('a', () => { console.log('# tests 366'); });
test('b', { skip: true }, () => {});
test('c', () => { if (process.env.GOOD !== 'yes') throw new Error('no'); });
`;
const MOCHA_TESTS = `
describe('suite', () => {
  it('a', () => {});
  it('b');
  it('c', () => { if (process.env.GOOD !== 'yes') throw new Error('no'); });
});
`;
const PYTHON_TESTS = `
import os, sys, unittest

class Case(unittest.TestCase):
    def test_a(self):
        print("-" * 70 + "\\nRan 366 tests in 0.1s\\n\\nOK", file=sys.stderr)
    @unittest.skip("not here")
    def test_b(self):
        pass
    def test_c(self):
        self.assertEqual(os.environ["GOOD"], "yes")
`;
