import { artifactScanKind } from '../../../../shared/ledger/kinds/artifact-scan.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const seen = {
  files: 80,
  searched: 78,
  binary: 2,
  tooLarge: 0,
  forbiddenCount: 0,
  forbidden: [],
  secretCount: 0,
  secrets: [],
  rules: 'rules 1.0.0',
  matchesManifest: true,
  matchesSourceScan: true,
};

describe('the judge of artifact-scan', () => {
  judgesRows(
    artifactScanKind,
    {
      'passes where nothing was found': { params: {}, seen, status: 'PASS' },
      'fails on a forbidden name': {
        params: {},
        seen: { ...seen, forbiddenCount: 1, forbidden: [{ path: '.env', pattern: '.env*' }] },
        status: 'FAIL',
        unmet: ['forbidden names'],
      },
      'fails on a secret': {
        params: {},
        seen: { ...seen, secretCount: 1, secrets: [{ path: 'a.py', rule: 'r', line: 3 }] },
        status: 'FAIL',
        unmet: ['secrets'],
      },
      'fails on a count whose list was emptied': {
        params: {},
        seen: { ...seen, forbiddenCount: 1, secretCount: 2 },
        status: 'FAIL',
        unmet: ['forbidden names', 'secrets'],
      },
      'fails on a list whose count says none': {
        params: {},
        seen: { ...seen, secrets: [{ path: 'a.py', rule: 'r', line: 3 }] },
        status: 'FAIL',
        unmet: ['secrets'],
      },
      'fails where nothing was looked at': {
        params: {},
        seen: { ...seen, files: 0, searched: 0, binary: 0 },
        status: 'FAIL',
        unmet: ['files looked at'],
      },
      'carries forward what was too large to be searched': {
        params: {},
        seen: { ...seen, tooLarge: 1 },
        status: 'PASS',
        findings: ['file-not-searched'],
      },
      'fails where the archive holds something else than the manifest': {
        params: {},
        seen: { ...seen, matchesManifest: false },
        status: 'FAIL',
        unmet: ['the archive holds what the manifest says'],
      },
      'fails where the two scans saw different things': {
        params: {},
        seen: { ...seen, matchesSourceScan: false },
        status: 'FAIL',
        unmet: ['the scan of the source saw the same'],
      },
    },
    9,
  );

  readsParams(artifactScanKind, { good: [{}], bad: { 'refuses a parameter': { forbid: [] } }, count: 1 });
});
