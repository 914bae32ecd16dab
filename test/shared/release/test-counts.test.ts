import { expect } from 'chai';
import fc from 'fast-check';
import { readTestCounts } from '../../../shared/release/test-counts.ts';

const RULE = '-'.repeat(70);
const unittest = (ran: number | string, end: string): string => `${RULE}\nRan ${ran} tests in 0.123s\n\n${end}\n`;

describe('test counts', () => {
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
      stdout: mochaJson({}).slice(0, -10),
      stderr: '',
    },
    { name: 'mocha JSON whose totals and lists differ', stdout: mochaJson({ passes: 366 }), stderr: '' },
    { name: 'mocha JSON with something behind it', stdout: `${mochaJson({})}Killed\n`, stderr: '' },
    { name: 'mocha JSON behind something on its line', stdout: `> ${mochaJson({})}`, stderr: '' },
    {
      name: 'a mocha summary of success in JSON behind one of a failure',
      stdout: `\n  2 passing (5ms)\n  1 failing\n\n  1) x\n\n${mochaJson({})}`,
      stderr: '',
    },
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
    {
      name: 'a summary of success behind the summary of a failure',
      stdout: '',
      stderr: `${unittest(3, 'FAILED (failures=1)')}\n${unittest(366, 'OK')}`,
    },
    {
      name: 'a pytest line of success behind one of a failure',
      stdout: '==== 1 failed, 2 passed in 0.10s ====\n==== 366 passed in 0.10s ====\n',
      stderr: '',
    },
    {
      name: 'a mocha summary of success behind one of a failure',
      stdout: '\n  2 passing (5ms)\n  1 failing\n\n  1) x\n\n  366 passing (2s)\n\n',
      stderr: '',
    },
    {
      name: 'a summary of node --test in spec behind one of a failure',
      stdout: `${nodeSpec({ tests: 3, pass: 2, fail: 1 })}${nodeSpec({ tests: 366, pass: 366 })}`,
      stderr: '',
    },
    {
      name: 'a summary of node --test whose numbers do not add up',
      stdout: nodeSpec({ tests: 366, pass: 2 }),
      stderr: '',
    },
    {
      name: 'JUnit XML whose suite says that a test failed and shows none',
      stdout: '<testsuite tests="1" failures="1"><testcase name="a"/></testsuite>',
      stderr: '',
    },
    {
      name: 'JUnit XML that tells of errors outside of its tests',
      stdout: '<testsuites errors="1"><testsuite tests="1"><testcase name="a"/></testsuite></testsuites>',
      stderr: '',
    },
    { name: 'a number that no run has', stdout: '', stderr: unittest('9'.repeat(40), 'OK') },
    { name: 'a summary with NUL behind', stdout: '', stderr: `${unittest(366, 'OK')}\0` },
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
      name: 'unexpected successes as failures, and expected failures as no passes',
      stdout: '',
      stderr: unittest(10, 'FAILED (errors=1, skipped=2, expected failures=3, unexpected successes=1)'),
      counts: { runner: 'unittest', ran: 10, passed: 3, failed: 1, errors: 1, skipped: 5 },
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
      counts: { runner: 'pytest', ran: 8, passed: 4, failed: 1, errors: 1, skipped: 2 },
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
      name: 'pytest with sub-tests, which are parts of tests',
      stdout: '3 passed, 4 skipped, 1 xfailed, 1 xpassed, 4 subtests passed in 0.03s\n',
      stderr: '',
      counts: { runner: 'pytest', ran: 9, passed: 3, failed: 0, errors: 0, skipped: 6 },
    },
    {
      name: 'JUnit XML of a runner that calls failures errors',
      stdout:
        '<testsuite tests="2" failures="0" errors="1"><testcase name="x"/><testcase name="y"><failure/></testcase></testsuite>',
      stderr: '',
      counts: { runner: 'junit-xml', ran: 2, passed: 1, failed: 1, errors: 0, skipped: 0 },
    },
    {
      name: 'JUnit XML with suites in suites',
      stdout:
        '<testsuites tests="2" failures="1"><testsuite tests="2"><testsuite tests="2"><testcase/><testcase><failure/></testcase></testsuite></testsuite></testsuites>',
      stderr: '',
      counts: { runner: 'junit-xml', ran: 2, passed: 1, failed: 1, errors: 0, skipped: 0 },
    },
    {
      name: 'a summary in colours and behind a link, as terminals read them',
      stdout: '',
      stderr: `\u001b]8;;http://x\u0007\u001b[32m${unittest(2, 'OK')}\u001b[0m\u001b]8;;\u0007`,
      counts: { runner: 'unittest', ran: 2, passed: 2, failed: 0, errors: 0, skipped: 0 },
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
    for (const hostile of [
      '1 a, ',
      ' ',
      '\n',
      '  1 passing (1s)\n',
      '<a b="c" ',
      '<![CDATA[',
      'ok # skip ',
      '=',
      '<testcase>',
    ])
      readTestCounts(hostile.repeat(200_000), hostile.repeat(200_000));
    expect(performance.now() - started).to.be.lessThan(10_000);
  }).timeout(20_000);
});

function nodeSpec(counts: Readonly<Record<string, number>>): string {
  const names = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms'];
  return names.map((name) => `ℹ ${name} ${counts[name] ?? 0}\n`).join('');
}

function mochaJson(stats: Record<string, number>): string {
  const report = {
    stats: { passes: 1, pending: 0, failures: 0, ...stats },
    passes: [{}],
    pending: [],
    failures: [],
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
