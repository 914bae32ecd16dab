import { targetFreeKind } from '../../../../shared/ledger/kinds/target-free.ts';
import { judgesRows } from './judge-rows.ts';

const params = { path: '/opt/dot/app-1.0' };
const free = { path: '/opt/dot/app-1.0', installRoot: 'folder', target: 'nothing' };

describe('the judge of target-free', () => {
  judgesRows(
    targetFreeKind,
    {
      'passes when nothing stands at the target': { params, seen: free, status: 'PASS' },
      "passes below a host's root prefix": {
        params,
        seen: { ...free, path: '/srv/host-1/opt/dot/app-1.0' },
        status: 'PASS',
      },
      'fails when a folder stands there': {
        params,
        seen: { ...free, target: 'folder' },
        status: 'FAIL',
        unmet: ['target path holds'],
      },
      'fails when a dangling link stands there': {
        params,
        seen: { ...free, target: 'link' },
        status: 'FAIL',
        unmet: ['target path holds'],
      },
      'fails when the install root is a link': {
        params,
        seen: { ...free, installRoot: 'link' },
        status: 'FAIL',
        unmet: ['install root is'],
      },
      'fails when there is no install root': {
        params,
        seen: { ...free, installRoot: 'nothing' },
        status: 'FAIL',
        unmet: ['install root is'],
      },
      'fails when another path was looked at': {
        params,
        seen: { ...free, path: '/opt/dot/app-2.0' },
        status: 'FAIL',
        unmet: ['path'],
      },
    },
    7,
  );
});
