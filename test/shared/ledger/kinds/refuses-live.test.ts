import { refusesLiveKind } from '../../../../shared/ledger/kinds/refuses-live.ts';
import { A_DIGEST, B_DIGEST, judgesRows, processSeen, readsParams } from './judge-rows.ts';

const params = { entrypoint: 'live' };
const seen = {
  entrypoint: 'live',
  isLive: true,
  process: processSeen({ ended: { by: 'exit', code: 77 } }),
  output: { matched: 'yes', excerpt: 'refus' },
  treeBefore: A_DIGEST,
  treeAfter: A_DIGEST,
};
const REFUSAL = 'refusal without a permit';

describe('the judge of refuses-live', () => {
  judgesRows(
    refusesLiveKind,
    {
      'passes on a refusal in code and words that changed nothing': { params, seen, status: 'PASS' },
      'fails when the entrypoint ran': {
        params,
        seen: { ...seen, process: processSeen() },
        status: 'FAIL',
        unmet: [REFUSAL],
      },
      'fails on a usage error that speaks of a refusal': {
        params,
        seen: { ...seen, process: processSeen({ ended: { by: 'exit', code: 2 } }) },
        status: 'FAIL',
        unmet: [REFUSAL],
      },
      'fails on a crash': {
        params,
        seen: { ...seen, process: processSeen({ ended: { by: 'signal', signal: 'SIGSEGV' } }) },
        status: 'FAIL',
        unmet: [REFUSAL],
      },
      'fails on a timeout': {
        params,
        seen: { ...seen, process: processSeen({ ended: { by: 'limit', limit: 'wall' }, limitsHit: ['wall'] }) },
        status: 'FAIL',
        unmet: [REFUSAL],
        findings: ['limit-met'],
      },
      'fails on the code alone': {
        params,
        seen: { ...seen, output: { matched: 'no', excerpt: 'bye' } },
        status: 'FAIL',
        unmet: ['output'],
      },
      'fails when the tree changed': {
        params,
        seen: { ...seen, treeAfter: B_DIGEST },
        status: 'FAIL',
        unmet: ['tree digest after the attempt'],
      },
      'fails when the entrypoint is not the live one': {
        params,
        seen: { ...seen, isLive: false },
        status: 'FAIL',
        unmet: ['entrypoint is live'],
      },
      'fails when another entrypoint refused': {
        params,
        seen: { ...seen, entrypoint: 'dryrun' },
        status: 'FAIL',
        unmet: ['entrypoint'],
      },
    },
    9,
  );
});

describe('the parameters of refuses-live', () => {
  readsParams(refusesLiveKind, {
    good: [params, { ...params, exits: [77, 13], matches: 'not permitted' }],
    bad: {
      'refuses to take success for a refusal': { ...params, exits: [0] },
      'refuses to take a crash for a refusal': { ...params, exits: [1] },
      'refuses to take a usage error for a refusal': { ...params, exits: [77, 2] },
      'refuses to take a missing program for a refusal': { ...params, exits: [127] },
      'refuses no exit code at all': { ...params, exits: [] },
    },
    count: 5,
  });
});
