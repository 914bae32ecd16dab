import { sqlKind } from '../../../../shared/ledger/kinds/sql.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const params = { dsn: 'governance_ro', queries: { documents: 'select count(*) from documents' } };
const readOnly = { isTransactionReadOnly: true, writePrivileges: [], write: 'refused' };
const seen = { engine: 'postgresql', dsn: 'governance_ro', readOnly, counts: { documents: 12 } };

describe('the judge of sql', () => {
  judgesRows(
    sqlKind,
    {
      'passes on a count over a session that cannot write': { params, seen, status: 'PASS' },
      'passes on a count within its bounds': {
        params: { ...params, expect: { documents: { min: 12, max: 12 } } },
        seen,
        status: 'PASS',
      },
      'fails on a count out of bounds': {
        params: { ...params, expect: { documents: { equals: 13 } } },
        seen,
        status: 'FAIL',
        unmet: ['count "documents"'],
      },
      'fails on a query without a count': {
        params,
        seen: { ...seen, counts: {} },
        status: 'FAIL',
        unmet: ['count "documents"'],
      },
      'fails when the transaction could write': {
        params,
        seen: { ...seen, readOnly: { ...readOnly, isTransactionReadOnly: false } },
        status: 'FAIL',
        unmet: ['transaction is read-only'],
      },
      'fails when the role may write': {
        params,
        seen: { ...seen, readOnly: { ...readOnly, writePrivileges: ['INSERT documents'] } },
        status: 'FAIL',
        unmet: ['write privileges'],
      },
      'fails when a write was accepted': {
        params,
        seen: { ...seen, readOnly: { ...readOnly, write: 'accepted' } },
        status: 'FAIL',
        unmet: ['a write that could change no row'],
      },
      'fails when no write was tried': {
        params,
        seen: { ...seen, readOnly: { ...readOnly, write: 'untried' } },
        status: 'FAIL',
        unmet: ['a write that could change no row'],
      },
      'fails when another data source was asked': {
        params,
        seen: { ...seen, dsn: 'other' },
        status: 'FAIL',
        unmet: ['data source'],
      },
    },
    9,
  );
});

describe('the parameters of sql', () => {
  readsParams(sqlKind, {
    good: [params, { ...params, expect: { documents: { min: 0 } } }],
    bad: {
      'refuses no query': { ...params, queries: {} },
      'refuses an expectation without a query': { ...params, expect: { units: { min: 1 } } },
      'refuses an expectation that expects nothing': { ...params, expect: { documents: {} } },
      'refuses a data source in the plan': { ...params, dsn: 'postgres://user@host/db' },
    },
    count: 4,
  });
});
