import { onePathAddedKind } from '../../../../shared/ledger/kinds/one-path-added.ts';
import { judgesRows } from './judge-rows.ts';

const params = { path: '/opt/dot/app-1.0' };
const seen = (change: object = {}) => ({
  path: '/opt/dot/app-1.0',
  difference: { added: ['path:app-1.0'], removed: [], changed: [], leftOutCount: 0, ...change },
});

describe('the judge of one-path-added', () => {
  judgesRows(
    onePathAddedKind,
    {
      'passes when the one path was added': { params, seen: seen(), status: 'PASS' },
      'fails when nothing was added': {
        params,
        seen: seen({ added: [] }),
        status: 'FAIL',
        unmet: ['added to the host'],
      },
      'fails when a second path was added': {
        params,
        seen: seen({ added: ['path:app-1.0', 'path:x'] }),
        status: 'FAIL',
        unmet: ['added to the host'],
      },
      'fails when another path was added': {
        params,
        seen: seen({ added: ['path:app-2.0'] }),
        status: 'FAIL',
        unmet: ['added to the host'],
      },
      'fails when a neighbour changed': {
        params,
        seen: seen({ changed: ['anchor:old'] }),
        status: 'FAIL',
        unmet: ['changed on the host'],
      },
      'fails when a unit was removed': {
        params,
        seen: seen({ removed: ['unit:/etc/systemd/system/a.service'] }),
        status: 'FAIL',
        unmet: ['removed from the host'],
      },
      'fails when the lists were cut': {
        params,
        seen: seen({ leftOutCount: 1 }),
        status: 'FAIL',
        unmet: ['added to the host', 'removed from the host', 'changed on the host'],
      },
    },
    7,
  );
});
