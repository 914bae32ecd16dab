import { absentKind } from '../../../../shared/ledger/kinds/absent.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

describe('the judge of absent', () => {
  judgesRows(
    absentKind,
    {
      'passes when nothing is there': {
        params: { path: '.env' },
        seen: { path: '.env', is: 'nothing' },
        status: 'PASS',
      },
      'fails when a file is there': {
        params: { path: '.env' },
        seen: { path: '.env', is: 'file' },
        status: 'FAIL',
        unmet: ['".env" is'],
      },
      'fails when a link that leads nowhere is there': {
        params: { path: '/run/x.pid' },
        seen: { path: '/run/x.pid', is: 'symlink' },
        status: 'FAIL',
        unmet: ['"/run/x.pid" is'],
      },
      'fails when the way there leads through a link of the tree': {
        params: { path: 'a/b' },
        seen: { path: 'a/b', is: 'beyond-link' },
        status: 'FAIL',
        unmet: ['"a/b" is'],
      },
      'fails when another path was looked at': {
        params: { path: '.env' },
        seen: { path: '.env.bak', is: 'nothing' },
        status: 'FAIL',
        unmet: ['path'],
      },
    },
    5,
  );
});

describe('the parameters of absent', () => {
  readsParams(absentKind, {
    good: [{ path: '.env' }, { path: '/etc/cron.d/iu-cutter' }],
    bad: {
      'refuses the root': { path: '/' },
      'refuses a way around': { path: '/opt/../etc' },
      'refuses to climb': { path: '../x' },
    },
    count: 3,
  });
});
