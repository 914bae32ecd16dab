import { flagKind } from '../../../../shared/ledger/kinds/flag.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const params = {
  file: 'cutter_agent/__init__.py',
  pattern: '__execution_enabled__ = (\\w+)',
  equals: 'False',
};
const seen = {
  file: params.file,
  is: 'file',
  search: 'done',
  declarationCount: 1,
  declarations: [{ value: 'False', line: 36 }],
};
const VALUE = `value of /${params.pattern}/`;

describe('the judge of flag', () => {
  judgesRows(
    flagKind,
    {
      'passes when the constant has the value': { params, seen, status: 'PASS' },
      'passes, with a finding, when it has the value twice': {
        params,
        seen: { ...seen, declarationCount: 2, declarations: [...seen.declarations, { value: 'False', line: 40 }] },
        status: 'PASS',
        findings: ['flag-declared-repeatedly'],
      },
      'fails when it has another value': {
        params,
        seen: { ...seen, declarations: [{ value: 'True', line: 36 }] },
        status: 'FAIL',
        unmet: [VALUE],
      },
      'fails when a later line gives it another value': {
        params,
        seen: { ...seen, declarationCount: 2, declarations: [...seen.declarations, { value: 'True', line: 90 }] },
        status: 'FAIL',
        unmet: [VALUE],
        findings: ['flag-declared-repeatedly'],
      },
      'fails when there are more declarations than were kept': {
        params,
        seen: { ...seen, declarationCount: 17 },
        status: 'FAIL',
        unmet: [VALUE],
        findings: ['flag-declared-repeatedly'],
      },
      'fails when it is not declared': {
        params,
        seen: { ...seen, declarationCount: 0, declarations: [] },
        status: 'FAIL',
        unmet: [VALUE],
      },
      'fails when the pattern ran out of time': {
        params,
        seen: { ...seen, search: 'undecided' },
        status: 'FAIL',
        unmet: [VALUE],
      },
      'fails when there is no such file': {
        params,
        seen: { ...seen, is: 'nothing', declarationCount: 0, declarations: [] },
        status: 'FAIL',
        unmet: [`"${params.file}" is`, VALUE],
      },
      'fails when another file was read': { params, seen: { ...seen, file: 'x.py' }, status: 'FAIL', unmet: ['file'] },
    },
    9,
  );
});

describe('the parameters of flag', () => {
  readsParams(flagKind, {
    good: [params, { ...params, pattern: '(?<value>\\w+)' }],
    bad: {
      'refuses a pattern without a group': { ...params, pattern: 'enabled' },
      'refuses a pattern whose only group is not captured': { ...params, pattern: '(?:enabled)' },
      'refuses a pattern that is none': { ...params, pattern: '((' },
      'refuses a file outside the tree': { ...params, file: '/etc/passwd' },
      'refuses a value that YAML read as a boolean': { ...params, equals: false },
    },
    count: 5,
  });
});
