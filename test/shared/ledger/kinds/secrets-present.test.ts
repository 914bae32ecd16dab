import { secretsPresentKind } from '../../../../shared/ledger/kinds/secrets-present.ts';
import { judgesRows } from './judge-rows.ts';

const params = { names: ['governance_ro', 'other'] };

describe('the judge of secrets-present', () => {
  judgesRows(
    secretsPresentKind,
    {
      'passes when each secret is there': { params, seen: params, status: 'PASS' },
      'fails when one is not': { params, seen: { names: ['other'] }, status: 'FAIL', unmet: ['secrets on this host'] },
    },
    2,
  );
});
