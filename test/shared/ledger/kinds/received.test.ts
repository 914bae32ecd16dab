import { receivedKind } from '../../../../shared/ledger/kinds/received.ts';
import { A_DIGEST, B_DIGEST, judgesRows } from './judge-rows.ts';

const params = { manifestDigest: A_DIGEST };
const seen = {
  manifestDigest: A_DIGEST,
  files: 80,
  bytes: 1000,
  distinctFiles: 78,
  fetchedFiles: 70,
  fetchedBytes: 900,
  copiedFiles: 8,
  copiedBytes: 90,
  manifestFiles: 80,
  manifestBytes: 1000,
};

describe('the judge of received', () => {
  judgesRows(
    receivedKind,
    {
      'passes when every file of the signed manifest came': { params, seen, status: 'PASS' },
      'fails when the manifest is another one': {
        params,
        seen: { ...seen, manifestDigest: B_DIGEST },
        status: 'FAIL',
        unmet: ['manifest digest'],
      },
      'fails when a file did not come': {
        params,
        seen: { ...seen, files: 79 },
        status: 'FAIL',
        unmet: ['files received'],
      },
      'fails when a byte did not come': {
        params,
        seen: { ...seen, bytes: 999 },
        status: 'FAIL',
        unmet: ['bytes received'],
      },
      'fails when a content was neither fetched nor copied': {
        params,
        seen: { ...seen, fetchedFiles: 69 },
        status: 'FAIL',
        unmet: ['distinct files fetched or copied'],
      },
    },
    5,
  );
});
