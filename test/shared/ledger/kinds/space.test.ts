import { spaceKind } from '../../../../shared/ledger/kinds/space.ts';
import { judgesRows } from './judge-rows.ts';

const params = { root: '/opt/dot' };
const enough = { neededBytes: 100, neededInodes: 10, freeBytes: 100, freeInodes: 10 };

describe('the judge of space', () => {
  judgesRows(
    spaceKind,
    {
      'passes when just enough is free': { params, seen: enough, status: 'PASS' },
      'passes where the file system counts no inodes': {
        params,
        seen: { ...enough, freeInodes: undefined },
        status: 'PASS',
      },
      'fails when one byte is missing': {
        params,
        seen: { ...enough, freeBytes: 99 },
        status: 'FAIL',
        unmet: ['free bytes'],
      },
      'fails when one inode is missing': {
        params,
        seen: { ...enough, freeInodes: 9 },
        status: 'FAIL',
        unmet: ['free inodes'],
      },
    },
    4,
  );
});
