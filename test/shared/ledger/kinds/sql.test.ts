import { sqlKind } from '../../../../shared/ledger/kinds/sql.ts';
import { A_DIGEST, judgesRows, readsParams } from './judge-rows.ts';

const params = { dsn: 'governance_ro', queries: { documents: 'select count(*) from documents' } };
const readOnly = { isTransactionReadOnly: true, writePrivileges: [], write: 'refused' };
const openWrite = { write: 'refused', code: '42501' };
const digested = { ...params, digests: { content: 'select * from documents order by id' } };
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
      'passes when the role alone refused the write too': {
        params,
        seen: { ...seen, readOnly: { ...readOnly, writeCode: '25006', openWrite } },
        status: 'PASS',
      },
      'passes when the handle of a file did': {
        params,
        seen: { ...seen, readOnly: { ...readOnly, openWrite: { ...openWrite, code: 'SQLITE_READONLY' } } },
        status: 'PASS',
      },
      'fails when the write was accepted outside of a read-only transaction': {
        params,
        seen: { ...seen, readOnly: { ...readOnly, openWrite: { write: 'accepted' } } },
        status: 'FAIL',
        unmet: ['the same write outside of a read-only transaction'],
      },
      'fails when it was refused for a reason that is not the role': {
        params,
        seen: { ...seen, readOnly: { ...readOnly, openWrite: { ...openWrite, code: '42P01' } } },
        status: 'FAIL',
        unmet: ['the same write outside of a read-only transaction'],
      },
      'fails when it was not tried although it should have been': {
        params,
        seen: { ...seen, readOnly: { ...readOnly, openWrite: { write: 'untried' } } },
        status: 'FAIL',
        unmet: ['the same write outside of a read-only transaction'],
      },
      'passes on a digest': {
        params: digested,
        seen: { ...seen, digests: { content: { sha256: A_DIGEST, rowCount: 0 } } },
        status: 'PASS',
      },
      'fails on a query without a digest': {
        params: digested,
        seen,
        status: 'FAIL',
        unmet: ['digest "content"'],
      },
      'finds each schema that the session does not see': {
        params: { ...params, schemas: ['public', 'archive', 'audit'] },
        seen: {
          ...seen,
          unseen: [
            { schema: 'archive', why: 'absent' },
            { schema: 'audit', why: 'no-usage' },
          ],
        },
        status: 'PASS',
        findings: ['schema-absent', 'schema-no-usage'],
      },
    },
    17,
  );
});

describe('the parameters of sql', () => {
  readsParams(sqlKind, {
    good: [
      params,
      digested,
      { ...params, schemas: ['public', 'Odd; name'] },
      { ...params, expect: { documents: { min: 0 } } },
    ],
    bad: {
      'refuses no query': { ...params, queries: {} },
      'refuses an expectation without a query': { ...params, expect: { units: { min: 1 } } },
      'refuses an expectation that expects nothing': { ...params, expect: { documents: {} } },
      'refuses a data source in the plan': { ...params, dsn: 'postgres://user@host/db' },
      'refuses no schema': { ...params, schemas: [] },
      'refuses a digest of nothing': { ...params, digests: { content: '' } },
    },
    count: 6,
  });
});
