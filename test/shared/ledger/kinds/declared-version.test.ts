import { declaredVersionKind } from '../../../../shared/ledger/kinds/declared-version.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const params = { version: 'v0.6' };
const file = 'cutter_agent/__init__.py';

describe('the judge of declared-version', () => {
  judgesRows(
    declaredVersionKind,
    {
      'passes on the release version without its v': { params, seen: { file, declared: '0.6' }, status: 'PASS' },
      'passes on another version, and carries it forward': {
        params,
        seen: { file, declared: '0.4.0-dryrun-skeleton' },
        status: 'PASS',
        findings: ['version-differs-from-tag'],
      },
      'fails where nothing was read, and says why': {
        params,
        seen: { file, problem: 'file-missing' },
        status: 'FAIL',
        unmet: [`${file} declares a version`],
      },
      'fails where neither a version nor a reason is there': {
        params,
        seen: { file },
        status: 'FAIL',
        unmet: [`${file} declares a version`],
      },
      'fails on an empty version, and carries it forward': {
        params,
        seen: { file, declared: '' },
        status: 'FAIL',
        unmet: [`${file} declares a version`],
        findings: ['version-differs-from-tag'],
      },
    },
    5,
  );

  readsParams(declaredVersionKind, { good: [params], bad: { 'refuses no version': {} }, count: 1 });
});
