import { treeKind } from '../../../../shared/ledger/kinds/tree.ts';
import { A_DIGEST, B_DIGEST, judgesRows, readsParams } from './judge-rows.ts';

const params = { path: 'iu-cutter', from: 'install-root', equals: A_DIGEST };
const seen = { path: 'iu-cutter', from: 'install-root', is: 'folder', treeDigest: A_DIGEST, entryCount: 80 };

describe('the judge of tree', () => {
  judgesRows(
    treeKind,
    {
      'passes on the digest of the plan': { params, seen, status: 'PASS' },
      'fails on another digest': {
        params,
        seen: { ...seen, treeDigest: B_DIGEST },
        status: 'FAIL',
        unmet: ['tree digest'],
      },
      'fails when there is no folder': {
        params,
        seen: { path: 'iu-cutter', from: 'install-root', is: 'nothing', entryCount: 0 },
        status: 'FAIL',
        unmet: ['"iu-cutter" is', 'tree digest'],
      },
      'fails when the folder is a symbolic link to the right one': {
        params,
        seen: { ...seen, is: 'symlink' },
        status: 'FAIL',
        unmet: ['"iu-cutter" is'],
      },
      'fails when the folder of that name in the tree was read instead': {
        params,
        seen: { ...seen, from: 'tree' },
        status: 'FAIL',
        unmet: ['path'],
      },
    },
    5,
  );
});

describe('the parameters of tree', () => {
  readsParams(treeKind, {
    good: [params, { path: 'docs', equals: A_DIGEST }],
    bad: {
      'refuses to climb out of the install root': { ...params, path: '../other' },
      'refuses a digest in capitals': { ...params, equals: 'A'.repeat(64) },
      'refuses to expect nothing': { path: 'docs' },
    },
    count: 3,
  });
});
