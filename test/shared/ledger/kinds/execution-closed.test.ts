import { executionClosedKind } from '../../../../shared/ledger/kinds/execution-closed.ts';
import { judgesRows } from './judge-rows.ts';

const params = { app: 'app' };
const seen = { app: 'app', gate: 'closed', reason: 'first start' };

describe('the judge of execution-closed', () => {
  judgesRows(
    executionClosedKind,
    {
      'passes when the gate is closed': { params, seen, status: 'PASS' },
      'fails when the gate is open': {
        params,
        seen: { ...seen, gate: 'open' },
        status: 'FAIL',
        unmet: ['execution gate'],
      },
      'fails on a state that nobody knows': {
        params,
        seen: { ...seen, gate: 'CLOSED' },
        status: 'FAIL',
        unmet: ['execution gate'],
      },
      'fails when it is the gate of another application': {
        params,
        seen: { ...seen, app: 'other' },
        status: 'FAIL',
        unmet: ['application'],
      },
    },
    4,
  );
});
