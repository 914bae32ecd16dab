import { planLockedKind } from '../../../../shared/ledger/kinds/plan-locked.ts';
import { A_DIGEST, B_DIGEST, judgesRows } from './judge-rows.ts';

const params = { planDigest: A_DIGEST, statementDigest: B_DIGEST };

describe('the judge of plan-locked', () => {
  judgesRows(
    planLockedKind,
    {
      'passes when the host runs by the signed plan and statement': { params, seen: params, status: 'PASS' },
      'fails when the plan is another one': {
        params,
        seen: { ...params, planDigest: B_DIGEST },
        status: 'FAIL',
        unmet: ['plan digest'],
      },
      'fails when the statement is another one': {
        params,
        seen: { ...params, statementDigest: A_DIGEST },
        status: 'FAIL',
        unmet: ['release statement digest'],
      },
    },
    3,
  );
});
