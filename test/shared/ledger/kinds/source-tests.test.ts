import { sourceTestsKind } from '../../../../shared/ledger/kinds/source-tests.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const params = { min: 366, failed: 0 };
const counts = { runner: 'unittest', ran: 366, passed: 366, failed: 0, errors: 0, skipped: 0 };
const seen = { argv: ['python3', '-m', 'unittest'], ended: 'exit 0', counts };

describe('the judge of source-tests', () => {
  judgesRows(
    sourceTestsKind,
    {
      'passes on enough tests, none of which failed': { params, seen, status: 'PASS' },
      'passes on more tests than were asked for': {
        params,
        seen: { ...seen, counts: { ...counts, ran: 400, passed: 400 } },
        status: 'PASS',
      },
      'fails on one test too few': {
        params,
        seen: { ...seen, counts: { ...counts, ran: 365, passed: 365 } },
        status: 'FAIL',
        unmet: ['tests passed'],
      },
      'fails on tests that were skipped, and carries them forward': {
        params,
        seen: { ...seen, counts: { ...counts, passed: 0, skipped: 366 } },
        status: 'FAIL',
        unmet: ['tests passed'],
        findings: ['tests-skipped'],
      },
      'fails on a failed test beside enough good ones': {
        params,
        seen: { ...seen, ended: 'exit 1', counts: { ...counts, ran: 367, failed: 1 } },
        status: 'FAIL',
        unmet: ['the test command ends with', 'tests failed'],
      },
      'fails on a test in error': {
        params,
        seen: { ...seen, counts: { ...counts, ran: 367, errors: 1 } },
        status: 'FAIL',
        unmet: ['tests failed'],
      },
      'fails on another exit code, whatever the counts say': {
        params,
        seen: { ...seen, ended: 'exit 2' },
        status: 'FAIL',
        unmet: ['the test command ends with'],
      },
      'fails without counts, whatever the exit code says': {
        params: { min: 0, failed: 0 },
        seen: { argv: seen.argv, ended: 'exit 0' },
        status: 'FAIL',
        unmet: ['test counts'],
      },
      'passes on failures that the plan allows': {
        params: { min: 365, failed: 1 },
        seen: { ...seen, ended: 'exit 1', counts: { ...counts, passed: 365, failed: 1 } },
        status: 'PASS',
      },
      'fails on a time limit, even where failures are allowed': {
        params: { min: 365, failed: 1 },
        seen: { ...seen, ended: 'time limit' },
        status: 'FAIL',
        unmet: ['the test command ends with'],
      },
    },
    10,
  );

  readsParams(sourceTestsKind, {
    good: [params],
    bad: {
      'refuses a negative minimum': { min: -1, failed: 0 },
      'refuses half a test': { min: 0.5, failed: 0 },
      'refuses no bound on failures': { min: 1 },
    },
    count: 3,
  });
});
