import { expect } from 'chai';
import { rollbackCommand, rollbackDefinedKind } from '../../../../shared/ledger/kinds/rollback-defined.ts';
import { judgesRows } from './judge-rows.ts';

const params = { root: '/opt/dot', path: '/opt/dot/app-1.0' };
const seen = { root: '/opt/dot', path: '/opt/dot/app-1.0', command: 'rm -rf /opt/dot/app-1.0' };
const notBelow = 'path is directly below the install root';

describe('the judge of rollback-defined', () => {
  judgesRows(
    rollbackDefinedKind,
    {
      'passes when one command removes one path below the root': { params, seen, status: 'PASS' },
      'fails when the command removes more': {
        params,
        seen: { ...seen, command: 'rm -rf /opt/dot' },
        status: 'FAIL',
        unmet: ['rollback'],
      },
      'fails when the path is two names below the root': {
        params: { root: '/opt', path: '/opt/dot/app-1.0' },
        seen: { ...seen, root: '/opt' },
        status: 'FAIL',
        unmet: [notBelow],
      },
      'fails when the path is the root itself': {
        params: { root: '/opt/dot', path: '/opt/dot' },
        seen: { root: '/opt/dot', path: '/opt/dot', command: 'rm -rf /opt/dot' },
        status: 'FAIL',
        unmet: [notBelow],
      },
      'fails when the path is beside the root': {
        params,
        seen: { ...seen, root: '/opt/do' },
        status: 'FAIL',
        unmet: [notBelow],
      },
      'fails when the path is the one above the root': {
        params: { root: '/opt/dot', path: '/opt/dot/..' },
        seen: { root: '/opt/dot', path: '/opt/dot/..', command: 'rm -rf /opt/dot/..' },
        status: 'FAIL',
        unmet: [notBelow],
      },
    },
    6,
  );

  it('quotes a path for the shell where it must', () => {
    expect(rollbackCommand("/opt/a b/it's;x")).to.equal("rm -rf '/opt/a b/it'\\''s;x'");
  });
});
