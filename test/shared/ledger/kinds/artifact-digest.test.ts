import { artifactDigestKind } from '../../../../shared/ledger/kinds/artifact-digest.ts';
import { A_DIGEST, B_DIGEST, judgesRows, readsParams } from './judge-rows.ts';

const archive = { sha256: A_DIGEST, size: 1000 };
const params = { ...archive, treeDigest: B_DIGEST };
const seen = { first: archive, second: archive, treeDigest: B_DIGEST, files: 80, links: 0 };

describe('the judge of artifact-digest', () => {
  judgesRows(
    artifactDigestKind,
    {
      'passes on the signed archive, packed twice': { params, seen, status: 'PASS' },
      'fails on another archive': {
        params,
        seen: { ...seen, first: { sha256: B_DIGEST, size: 1000 } },
        status: 'FAIL',
        unmet: ['sha256 of the archive'],
      },
      'fails where packing again gives other bytes': {
        params,
        seen: { ...seen, second: { sha256: B_DIGEST, size: 1001 } },
        status: 'FAIL',
        unmet: ['sha256 of the archive, packed again', 'bytes of the archive, packed again'],
      },
      'fails on another size': {
        params: { ...params, size: 999 },
        seen,
        status: 'FAIL',
        unmet: ['bytes of the archive', 'bytes of the archive, packed again'],
      },
      'fails on another tree': {
        params,
        seen: { ...seen, treeDigest: A_DIGEST },
        status: 'FAIL',
        unmet: ['tree digest'],
      },
      'fails on an archive of nothing': {
        params,
        seen: { ...seen, files: 0 },
        status: 'FAIL',
        unmet: ['entries'],
      },
    },
    6,
  );

  readsParams(artifactDigestKind, {
    good: [params],
    bad: {
      'refuses a digest in capitals': { ...params, sha256: A_DIGEST.toUpperCase() },
      'refuses a negative size': { ...params, size: -1 },
      'refuses no tree digest': archive,
    },
    count: 3,
  });
});
