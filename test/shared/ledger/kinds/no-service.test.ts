import { noServiceKind } from '../../../../shared/ledger/kinds/no-service.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const path = '/opt/incomex/dot/iu-cutter-v0.6';
const clean = { searchedFor: [path], readCount: 40, referenceCount: 0, references: [] };
const NO_REFERENCE = 'units, timers and cron entries that refer to it';

describe('the judge of no-service', () => {
  judgesRows(
    noServiceKind,
    {
      'passes when nothing refers to the installation': { params: {}, seen: clean, status: 'PASS' },
      'passes on a host that has neither systemd nor cron': {
        params: {},
        seen: { ...clean, readCount: 0 },
        status: 'PASS',
      },
      'fails when a unit refers to it': {
        params: {},
        seen: {
          ...clean,
          referenceCount: 1,
          references: [{ where: '/etc/systemd/system/x.service', what: 'ExecStart' }],
        },
        status: 'FAIL',
        unmet: [NO_REFERENCE],
      },
      'fails when a reference is shown but not counted': {
        params: {},
        seen: { ...clean, references: [{ where: '/etc/crontab', what: '* * * * *' }] },
        status: 'FAIL',
        unmet: [NO_REFERENCE],
      },
      'fails when a reference is counted but not shown': {
        params: {},
        seen: { ...clean, referenceCount: 3 },
        status: 'FAIL',
        unmet: [NO_REFERENCE],
      },
      'fails when a further path of the plan was not searched for': {
        params: { paths: ['/opt/other'] },
        seen: clean,
        status: 'FAIL',
        unmet: ['searched for'],
      },
      'passes when the further path was searched for below the root of the host': {
        params: { paths: ['/opt/other'] },
        seen: { ...clean, searchedFor: [path, '/mnt/host/opt/other'] },
        status: 'PASS',
      },
    },
    7,
  );
});

describe('the parameters of no-service', () => {
  readsParams(noServiceKind, {
    good: [{}, { paths: ['/opt/other'] }],
    bad: { 'refuses a relative path': { paths: ['other'] }, 'refuses unknown parameters': { unit: 'x' } },
    count: 2,
  });
});
