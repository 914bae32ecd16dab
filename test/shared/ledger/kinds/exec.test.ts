import { execKind } from '../../../../shared/ledger/kinds/exec.ts';
import { judgesRows, processSeen, readsParams } from './judge-rows.ts';

const argv = ['python3', '-m', 'unittest'];
const wantsTests = { argv, expect: { tests: { min: 366, failed: 0 } } };
const tests = { runner: 'unittest', ran: 366, passed: 366, failed: 0, errors: 0, skipped: 0 };

describe('the judge of exec', () => {
  judgesRows(
    execKind,
    {
      'passes on exit 0, which is the default': { params: { argv }, seen: { process: processSeen() }, status: 'PASS' },
      'passes on the exit code that the plan expects': {
        params: { argv, expect: { exit: 3 } },
        seen: { process: processSeen({ ended: { by: 'exit', code: 3 } }) },
        status: 'PASS',
      },
      'fails on another exit code': {
        params: { argv },
        seen: { process: processSeen({ ended: { by: 'exit', code: 1 } }) },
        status: 'FAIL',
        unmet: ['exit'],
      },
      'fails on a death by signal': {
        params: { argv },
        seen: { process: processSeen({ ended: { by: 'signal', signal: 'SIGSEGV' } }) },
        status: 'FAIL',
        unmet: ['exit'],
      },
      'fails on a timeout, and carries the limit forward': {
        params: { argv },
        seen: { process: processSeen({ ended: { by: 'limit', limit: 'wall' }, limitsHit: ['wall'] }) },
        status: 'FAIL',
        unmet: ['exit'],
        findings: ['limit-met'],
      },
      'passes with all tests counted': { params: wantsTests, seen: { process: processSeen(), tests }, status: 'PASS' },
      'fails on exit 0 without a summary of tests': {
        params: wantsTests,
        seen: { process: processSeen() },
        status: 'FAIL',
        unmet: ['tests'],
      },
      'fails when one test too few has passed': {
        params: wantsTests,
        seen: { process: processSeen(), tests: { ...tests, ran: 365, passed: 365 } },
        status: 'FAIL',
        unmet: ['tests passed'],
      },
      'fails when the missing tests were skipped, and says so': {
        params: wantsTests,
        seen: { process: processSeen(), tests: { ...tests, passed: 300, skipped: 66 } },
        status: 'FAIL',
        unmet: ['tests passed'],
        findings: ['tests-skipped'],
      },
      'fails when a test ended in an error though enough passed': {
        params: wantsTests,
        seen: { process: processSeen(), tests: { ...tests, ran: 367, errors: 1 } },
        status: 'FAIL',
        unmet: ['tests failed or in error'],
      },
      'fails when more tests passed than ran': {
        params: wantsTests,
        seen: { process: processSeen(), tests: { ...tests, ran: 10, passed: 400 } },
        status: 'FAIL',
        unmet: ['tests passed'],
      },
      'fails when more tests were skipped than the plan allows': {
        params: { argv, expect: { tests: { min: 1, skipped: 0 } } },
        seen: { process: processSeen(), tests: { ...tests, ran: 367, skipped: 1 } },
        status: 'FAIL',
        unmet: ['tests skipped'],
        findings: ['tests-skipped'],
      },
      'passes when both patterns matched': {
        params: { argv, expect: { stdout: { matches: 'OK' }, stderr: { matches: 'done' } } },
        seen: {
          process: processSeen(),
          stdout: { matched: 'yes', excerpt: 'OK' },
          stderr: { matched: 'yes', excerpt: 'done' },
        },
        status: 'PASS',
      },
      'fails when a pattern did not match': {
        params: { argv, expect: { stdout: { matches: 'OK' } } },
        seen: { process: processSeen(), stdout: { matched: 'no', excerpt: 'KO' } },
        status: 'FAIL',
        unmet: ['standard output'],
      },
      'fails when a pattern ran out of time': {
        params: { argv, expect: { stderr: { matches: 'OK' } } },
        seen: { process: processSeen(), stderr: { matched: 'undecided', excerpt: '' } },
        status: 'FAIL',
        unmet: ['standard error'],
      },
      'fails when nobody looked for the pattern': {
        params: { argv, expect: { stdout: { matches: 'OK' } } },
        seen: { process: processSeen() },
        status: 'FAIL',
        unmet: ['standard output'],
      },
      'says when there was no sandbox, and when there was a network': {
        params: { argv },
        seen: { process: processSeen({ sandbox: { kind: 'none', detail: 'none' }, network: true }) },
        status: 'PASS',
        findings: ['ran-without-sandbox', 'ran-with-network'],
      },
    },
    17,
  );
});

describe('the parameters of exec', () => {
  readsParams(execKind, {
    good: [
      { argv },
      wantsTests,
      { argv, cwd: 'tools', env: { A: 'b' }, network: true, secrets: ['governance_ro'], expect: { exit: 3 } },
      { argv, expect: { stdout: { matches: '^OK$' } } },
    ],
    bad: {
      'refuses a shell string': { argv: 'python3 -m unittest' },
      'refuses an empty command': { argv: [] },
      'refuses NUL in an argument': { argv: ['a\0b'] },
      'refuses a folder outside the tree': { argv, cwd: '../other' },
      'refuses an absolute folder': { argv, cwd: '/etc' },
      'refuses an unknown parameter': { argv, shell: true },
      'refuses an unknown expectation': { argv, expect: { exitCode: 0 } },
      'refuses a pattern that is none': { argv, expect: { stdout: { matches: '(' } } },
      'refuses to expect no test at all': { argv, expect: { tests: { min: 0 } } },
      'refuses a variable name with a space': { argv, env: { 'A B': 'c' } },
    },
    count: 10,
  });
});
