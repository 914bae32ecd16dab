import { noProcessKind } from '../../../../shared/ledger/kinds/no-process.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const clean = { searchedFor: ['/opt/incomex/dot/iu-cutter-v0.6'], readCount: 40, referenceCount: 0, references: [] };

describe('the judge of no-process', () => {
  judgesRows(
    noProcessKind,
    {
      'passes when no process refers to the installation': { params: {}, seen: clean, status: 'PASS' },
      'fails when one does': {
        params: {},
        seen: { ...clean, referenceCount: 1, references: [{ where: 'pid 4711', what: 'python3 cli.py' }] },
        status: 'FAIL',
        unmet: ['processes that refer to it'],
      },
      'fails when no process at all could be read': {
        params: {},
        seen: { ...clean, readCount: 0 },
        status: 'FAIL',
        unmet: ['processes read'],
      },
    },
    3,
  );
});

describe('the parameters of no-process', () => {
  readsParams(noProcessKind, {
    good: [{}, { paths: ['/opt/other'] }],
    bad: { 'refuses a relative path': { paths: ['other'] } },
    count: 1,
  });
});
