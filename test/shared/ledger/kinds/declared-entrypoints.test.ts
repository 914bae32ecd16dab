import { declaredEntrypointsKind } from '../../../../shared/ledger/kinds/declared-entrypoints.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const inspect = { name: 'inspect', resolves: false, how: 'no app/cli.py in the tree' };
const dryrun = { name: 'dryrun', resolves: true, how: 'app/orchestrator.py' };

describe('the judge of declared-entrypoints', () => {
  judgesRows(
    declaredEntrypointsKind,
    {
      'passes where all resolve': { params: { needed: ['dryrun'] }, seen: { entrypoints: [dryrun] }, status: 'PASS' },
      'carries forward one that does not exist and that no check needs': {
        params: { needed: ['dryrun'] },
        seen: { entrypoints: [dryrun, inspect] },
        status: 'PASS',
        findings: ['entrypoint-does-not-exist'],
      },
      'fails on one that a check needs': {
        params: { needed: ['dryrun', 'inspect'] },
        seen: { entrypoints: [dryrun, inspect] },
        status: 'FAIL',
        unmet: ['entrypoint inspect resolves'],
      },
      'fails on one that a check needs and nobody looked for': {
        params: { needed: ['live'] },
        seen: { entrypoints: [dryrun] },
        status: 'FAIL',
        unmet: ['entrypoint live resolves'],
      },
      'fails where none was looked for': {
        params: { needed: [] },
        seen: { entrypoints: [] },
        status: 'FAIL',
        unmet: ['entrypoints looked for'],
      },
    },
    5,
  );

  readsParams(declaredEntrypointsKind, {
    good: [{ needed: [] }],
    bad: { 'refuses no list': {}, 'refuses a name that is none': { needed: [1] } },
    count: 2,
  });
});
