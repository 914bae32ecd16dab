/** What test runners really print, of tests that are as odd as tests are. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readTestCounts } from '../../../../shared/release/test-counts.ts';

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
const PYTHON_ODD = `
import unittest
class Odd(unittest.TestCase):
    def test_a(self): pass
    def test_parts(self):
        for i in range(4):
            with self.subTest(i=i): self.assertLess(i, 9)
    @unittest.skip('not here')
    def test_skipped(self): pass
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    def test_skipped_within(self): self.skipTest('no')
`;
const PYTHON_BROKEN = `
class Broken(unittest.TestCase):
    def test_parts(self):
        for i in range(4):
            with self.subTest(i=i): self.assertNotIn(i, (1, 3))
    @unittest.expectedFailure
    def test_unexpected(self): pass
class NeverSetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError
    def test_a(self): pass
`;
const PYTHON_FAKE = `
import atexit, os, sys, unittest
def fake():
    sys.stderr.write("\\n" + "-" * 70 + "\\nRan 999 tests in 0.001s\\n\\nOK\\n")
    sys.stderr.flush()
    os._exit(0)
`;

describe('test counts of real runners', () => {
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

  const mochaOdd = [
    {
      name: 'tests that print, a line that is a brace too',
      code: "it('a', () => { console.log('{'); console.log('{ \"stats\": {} }'); });\nit('b');",
      counts: { ran: 2, passed: 1, failed: 0, skipped: 1 },
    },
    {
      name: 'hooks that break: each is a failure of its own, and hides the tests behind it',
      code: `
describe('one', () => { before(() => { throw new Error('no'); }); it('a', () => {}); it('b', () => {}); });
describe('two', () => { it('c', () => {}); afterEach(() => { throw new Error('late'); }); it('d', () => {}); });`,
      counts: { ran: 3, passed: 1, failed: 2, skipped: 0 },
    },
    {
      name: 'a test that passes at the second try, and one that never does',
      code: `
let tries = 0;
it('a', function () { this.retries(1); tries += 1; if (tries < 2) throw new Error('once'); });
it('b', function () { this.retries(1); throw new Error('always'); });`,
      counts: { ran: 2, passed: 1, failed: 1, skipped: 0 },
    },
    {
      name: 'four thousand tests, which is a report of more than two megabytes',
      code: "for (let n = 0; n < 4_000; n += 1) it('does what is expected of it in case ' + n, () => {});",
      counts: { ran: 4_000, passed: 4_000, failed: 0, skipped: 0 },
    },
    { name: 'no test at all', code: '', counts: { ran: 0, passed: 0, failed: 0, skipped: 0 } },
    {
      name: 'a program that prints behind the report: nobody can tell',
      code: "it('a', () => {});\nprocess.on('exit', () => console.log('done'));",
      counts: undefined,
    },
  ];
  for (const { name, code, counts } of mochaOdd) {
    it(`reads what mocha really prints as JSON of ${name}`, () => {
      writeFileSync(join(folder, 'odd.cjs'), code);
      const { stdout, stderr } = spawnSync(node, [mocha, '--reporter', 'json', 'odd.cjs'], {
        cwd: folder,
        env: { PATH: process.env.PATH },
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
      expect(readTestCounts(stdout, stderr)).to.deep.equal(counts && { runner: 'mocha', errors: 0, ...counts });
    }).timeout(20_000);
  }
  it('knows six odd reports of mocha', () => expect(mochaOdd).to.have.length(6));

  const python = [
    {
      name: 'sub-tests, a class that cannot be set up, expected failures and unexpected successes',
      code: `${PYTHON_ODD}${PYTHON_BROKEN}`,
      exit: 1,
      counts: { runner: 'unittest', ran: 7, passed: 0, failed: 3, errors: 1, skipped: 3 },
    },
    {
      name: 'sub-tests, a skipped test and an expected failure',
      code: PYTHON_ODD,
      exit: 0,
      counts: { runner: 'unittest', ran: 5, passed: 2, failed: 0, errors: 0, skipped: 3 },
    },
    {
      name: 'a failure, behind which another process prints a summary at the end',
      code: `${PYTHON_FAKE}atexit.register(fake)\nclass Bad(unittest.TestCase):\n    def test_a(self): self.fail()\n`,
      exit: 0,
      counts: undefined,
    },
    {
      name: 'a test that prints a summary as the last thing and ends the runner: nobody can tell',
      code: `${PYTHON_FAKE}class Bad(unittest.TestCase):\n    def test_a(self): fake()\n    def test_b(self): self.fail()\n`,
      exit: 0,
      counts: { runner: 'unittest', ran: 999, passed: 999, failed: 0, errors: 0, skipped: 0 },
    },
  ];
  for (const { name, code, exit, counts } of python) {
    it(`reads what unittest really prints of ${name}`, () => {
      writeFileSync(join(folder, 'odd.py'), code);
      const env = { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' };
      const { status, stdout, stderr } = spawnSync('python3', ['-m', 'unittest', 'odd'], {
        cwd: folder,
        env,
        encoding: 'utf8',
      });
      expect(status).to.equal(exit);
      expect(readTestCounts(stdout, stderr)).to.deep.equal(counts);
    }).timeout(20_000);
  }
  it('knows four odd files of tests', () => expect(python).to.have.length(4));
});
