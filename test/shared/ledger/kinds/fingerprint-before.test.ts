import { fingerprintBeforeKind } from '../../../../shared/ledger/kinds/fingerprint-before.ts';
import { A_DIGEST, judgesRows } from './judge-rows.ts';

const none = { units: [], cronEntries: [], processes: [], ports: [], unreadable: [], hiddenProcessCount: 0 };
const seen = { digest: A_DIGEST, factCounts: { path: 2, unit: 30 }, listeningPortCount: 4, references: none };
const withReferences = (change: object) => ({ ...seen, references: { ...none, ...change } });

describe('the judge of fingerprint-before', () => {
  judgesRows(
    fingerprintBeforeKind,
    {
      'passes when nothing refers to the target yet': { params: {}, seen, status: 'PASS' },
      'fails when a unit waits for the target': {
        params: {},
        seen: withReferences({ units: ['/etc/systemd/system/app.service'] }),
        status: 'FAIL',
        unmet: ['systemd units and timers that name the target'],
      },
      'fails when a cron entry waits for the target': {
        params: {},
        seen: withReferences({ cronEntries: ['/etc/cron.d/app'] }),
        status: 'FAIL',
        unmet: ['cron entries that name the target'],
      },
      'passes with findings about what the agent may not see': {
        params: {},
        seen: withReferences({ unreadable: ['/root/.config/systemd/user'], hiddenProcessCount: 7 }),
        status: 'PASS',
        findings: ['schedules-unreadable', 'processes-hidden'],
      },
    },
    4,
  );
});
