import { nothingRunsKind } from '../../../../shared/ledger/kinds/nothing-runs.ts';
import { judgesRows } from './judge-rows.ts';

const params = { path: '/opt/dot/app-1.0' };
const none = { units: [], cronEntries: [], processes: [], ports: [], unreadable: [], hiddenProcessCount: 0 };
const seen = { path: '/opt/dot/app-1.0', processCount: 40, references: none };
const withReferences = (change: object) => ({ ...seen, references: { ...none, ...change } });

describe('the judge of nothing-runs', () => {
  judgesRows(
    nothingRunsKind,
    {
      'passes when nothing refers to the installation': { params, seen, status: 'PASS' },
      'fails when a process does': {
        params,
        seen: withReferences({ processes: ['pid 4711 (argument)'] }),
        status: 'FAIL',
        unmet: ['processes that refer to the target'],
      },
      'fails when such a process holds a port': {
        params,
        seen: withReferences({ ports: ['tcp 0.0.0.0:80'] }),
        status: 'FAIL',
        unmet: ['ports held by such processes'],
      },
      'fails when a unit or cron entry does': {
        params,
        seen: withReferences({ units: ['/etc/systemd/system/a.service'], cronEntries: ['/etc/crontab'] }),
        status: 'FAIL',
        unmet: ['systemd units and timers that name the target', 'cron entries that name the target'],
      },
      'fails when no process could be read': {
        params,
        seen: { ...seen, processCount: 0 },
        status: 'FAIL',
        unmet: ['processes read'],
      },
      'fails when another path was looked for': {
        params,
        seen: { ...seen, path: '/opt/dot/app-2.0' },
        status: 'FAIL',
        unmet: ['path'],
      },
      'passes with findings about what the agent may not see': {
        params,
        seen: withReferences({ unreadable: ['/root/.config/systemd/user'], hiddenProcessCount: 7 }),
        status: 'PASS',
        findings: ['schedules-unreadable', 'processes-hidden'],
      },
    },
    7,
  );
});
