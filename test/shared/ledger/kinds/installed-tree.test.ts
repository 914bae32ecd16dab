import { installedTreeKind } from '../../../../shared/ledger/kinds/installed-tree.ts';
import { A_DIGEST, B_DIGEST, judgesRows } from './judge-rows.ts';

const params = { path: '/opt/dot/app-1.0', treeDigest: A_DIGEST };
const seen = {
  path: '/opt/dot/app-1.0',
  treeDigest: A_DIGEST,
  files: 80,
  bytes: 1,
  mode: '755',
  deployManifest: 'names-this-run',
};

describe('the judge of installed-tree', () => {
  judgesRows(
    installedTreeKind,
    {
      'passes when the signed tree stands there': { params, seen, status: 'PASS' },
      'fails when one byte of it differs': {
        params,
        seen: { ...seen, treeDigest: B_DIGEST },
        status: 'FAIL',
        unmet: ['tree digest'],
      },
      'fails when its folder is open to others': {
        params,
        seen: { ...seen, mode: '777' },
        status: 'FAIL',
        unmet: ['mode of the folder'],
      },
      'fails when another run made it': {
        params,
        seen: { ...seen, deployManifest: 'names-another-run' },
        status: 'FAIL',
        unmet: ['DEPLOY-MANIFEST.txt'],
      },
      'fails when it does not say who made it': {
        params,
        seen: { ...seen, deployManifest: 'missing' },
        status: 'FAIL',
        unmet: ['DEPLOY-MANIFEST.txt'],
      },
      'fails when another path was hashed': {
        params,
        seen: { ...seen, path: '/opt/dot/app-2.0' },
        status: 'FAIL',
        unmet: ['path'],
      },
    },
    6,
  );
});
