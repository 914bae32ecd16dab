import { dryrunKind } from '../../../../shared/ledger/kinds/dryrun.ts';
import { judgesRows, processSeen, readsParams } from './judge-rows.ts';

const params = { entrypoint: 'dryrun', invariants: ['production-counts'] };
const invariant = {
  name: 'production-counts',
  readOnly: { isTransactionReadOnly: true, writePrivileges: [], write: 'refused' },
  before: { documents: 12, units: 40 },
  after: { documents: 12, units: 40 },
};
const seen = {
  entrypoint: 'dryrun',
  process: processSeen(),
  declaredStopGates: ['SG1', 'SG2'],
  resumedStopGates: ['SG1', 'SG2'],
  isClosedOut: true,
  invariants: [invariant],
};

describe('the judge of dryrun', () => {
  judgesRows(
    dryrunKind,
    {
      'passes when it paused, resumed, closed out and changed no count': { params, seen, status: 'PASS' },
      'fails when a count changed': {
        params,
        seen: { ...seen, invariants: [{ ...invariant, after: { documents: 13, units: 40 } }] },
        status: 'FAIL',
        unmet: ['invariant "production-counts"'],
      },
      'fails when a count is missing afterwards': {
        params,
        seen: { ...seen, invariants: [{ ...invariant, after: { documents: 12 } }] },
        status: 'FAIL',
        unmet: ['invariant "production-counts"'],
      },
      'fails when nothing was counted': {
        params,
        seen: { ...seen, invariants: [{ ...invariant, before: {}, after: {} }] },
        status: 'FAIL',
        unmet: ['invariant "production-counts"'],
      },
      'fails when the invariant was not looked at': {
        params,
        seen: { ...seen, invariants: [] },
        status: 'FAIL',
        unmet: ['invariant "production-counts"'],
      },
      'fails when a stop gate was passed by': {
        params,
        seen: { ...seen, resumedStopGates: ['SG2'] },
        status: 'FAIL',
        unmet: ['stop gates passed'],
      },
      'fails when it never closed out': {
        params,
        seen: { ...seen, isClosedOut: false },
        status: 'FAIL',
        unmet: ['closeout'],
      },
      'fails when it ended at a stop gate': {
        params,
        seen: { ...seen, process: processSeen({ ended: { by: 'exit', code: 75 } }) },
        status: 'FAIL',
        unmet: ['end'],
      },
      'fails when the counting session could write': {
        params,
        seen: {
          ...seen,
          invariants: [{ ...invariant, readOnly: { ...invariant.readOnly, writePrivileges: ['DELETE documents'] } }],
        },
        status: 'FAIL',
        unmet: ['write privileges'],
      },
    },
    9,
  );
});

describe('the parameters of dryrun', () => {
  readsParams(dryrunKind, {
    good: [params],
    bad: {
      'refuses a dry run that proves no invariant': { entrypoint: 'dryrun', invariants: [] },
      'refuses an unknown parameter': { ...params, live: true },
    },
    count: 2,
  });
});
