import { expect } from 'chai';
import { toolsKind } from '../../../../shared/ledger/kinds/tools.ts';
import { judgesRows } from './judge-rows.ts';

const python = { version: '>=3.11', optional: false, argv: ['--version'] };
const pytest = { optional: true, argv: ['--version'] };
const params = { tools: { python3: python, pytest } };
const python312 = { name: 'python3', path: '/usr/bin/python3', version: '3.12.3' };

describe('the judge of tools', () => {
  judgesRows(
    toolsKind,
    {
      'passes when each tool is there in a version of its range': {
        params,
        seen: { tools: [python312, { name: 'pytest', path: '/usr/bin/pytest' }] },
        status: 'PASS',
      },
      'passes with a finding when an optional tool is absent': {
        params,
        seen: { tools: [python312, { name: 'pytest' }] },
        status: 'PASS',
        findings: ['tool-missing'],
      },
      'fails with a finding when a required tool is absent': {
        params: { tools: { python3: python } },
        seen: { tools: [{ name: 'python3' }] },
        status: 'FAIL',
        unmet: ['tool python3'],
        findings: ['tool-missing'],
      },
      'fails when a required tool was not looked for': {
        params: { tools: { python3: python } },
        seen: { tools: [] },
        status: 'FAIL',
        unmet: ['tool python3'],
        findings: ['tool-missing'],
      },
      'fails when a required tool is too old': {
        params: { tools: { python3: python } },
        seen: { tools: [{ ...python312, version: '3.9.2' }] },
        status: 'FAIL',
        unmet: ['tool python3'],
        findings: ['tool-version-differs'],
      },
      'fails when a required tool does not tell its version': {
        params: { tools: { python3: python } },
        seen: { tools: [{ name: 'python3', path: '/usr/bin/python3' }] },
        status: 'FAIL',
        unmet: ['tool python3'],
        findings: ['tool-version-differs'],
      },
      'fails when the range cannot be read': {
        params: { tools: { python3: { ...python, version: 'latest' } } },
        seen: { tools: [python312] },
        status: 'FAIL',
        unmet: ['tool python3'],
        findings: ['tool-version-differs'],
      },
      'passes with a finding when an optional tool is too old': {
        params: { tools: { psql: { version: '>=15', optional: true, argv: [] } } },
        seen: { tools: [{ name: 'psql', path: '/usr/bin/psql', version: '13.4' }] },
        status: 'PASS',
        findings: ['tool-version-differs'],
      },
      'passes when the plan wants no tool': { params: { tools: {} }, seen: { tools: [] }, status: 'PASS' },
    },
    9,
  );

  it('says of what is missing that it is absent on this host', () => {
    const { findings } = toolsKind.judge(params, { tools: [python312] });
    expect(findings).to.deep.equal([{ code: 'tool-missing', statement: 'pytest is absent on this host' }]);
  });
});
