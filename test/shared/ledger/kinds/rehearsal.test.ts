import { rehearsalKind } from '../../../../shared/ledger/kinds/rehearsal.ts';
import { A_DIGEST, B_DIGEST, judgesRows } from './judge-rows.ts';

const params = { path: '/opt/dot/app-1.0', treeDigest: A_DIGEST };
const same = { added: [], removed: [], changed: [], leftOutCount: 0 };
const seen = {
  path: '/opt/dot/app-1.0',
  state: 'rehearsed',
  rollsBackTo: ['old'],
  difference: same,
  treeDigest: A_DIGEST,
  movedAsideMs: 1,
  movedBackMs: 1,
  durationMs: 20,
  wasInterrupted: false,
};

describe('the judge of rehearsal', () => {
  judgesRows(
    rehearsalKind,
    {
      'passes when the host was as before and the tree is back': { params, seen, status: 'PASS' },
      'passes with a finding on a first install': {
        params,
        seen: { ...seen, state: 'nothing-to-roll-back-to', rollsBackTo: [] },
        status: 'PASS',
        findings: ['nothing-to-roll-back-to'],
      },
      'passes with a finding after an interruption': {
        params,
        seen: { ...seen, wasInterrupted: true },
        status: 'PASS',
        findings: ['rehearsal-interrupted'],
      },
      'fails when something would be left over': {
        params,
        seen: { ...seen, difference: { ...same, added: ['path:left-over'] } },
        status: 'FAIL',
        unmet: ['added to the host'],
      },
      'fails when a neighbour would not be as before': {
        params,
        seen: { ...seen, difference: { ...same, changed: ['anchor:old'] } },
        status: 'FAIL',
        unmet: ['changed on the host'],
      },
      'fails when another tree was put back': {
        params,
        seen: { ...seen, treeDigest: B_DIGEST },
        status: 'FAIL',
        unmet: ['tree digest after it was put back'],
      },
    },
    6,
  );
});
