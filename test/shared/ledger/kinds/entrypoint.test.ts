import { entrypointKind } from '../../../../shared/ledger/kinds/entrypoint.ts';
import { judgesRows, processSeen, readsParams } from './judge-rows.ts';

const params = { entrypoint: 'dryrun' };
const seen = {
  entrypoint: 'dryrun',
  resolution: { resolves: true, to: 'cutter_agent/orchestrator/__main__.py' },
  probe: { was: 'run', process: processSeen() },
};

describe('the judge of entrypoint', () => {
  judgesRows(
    entrypointKind,
    {
      'passes when it resolves and answers its probe': { params, seen, status: 'PASS' },
      'passes, with a finding, when it resolves and declares no probe': {
        params,
        seen: { ...seen, probe: { was: 'undeclared' } },
        status: 'PASS',
        findings: ['entrypoint-not-probed'],
      },
      'fails when it does not resolve': {
        params,
        seen: { ...seen, resolution: { resolves: false, to: 'no x.py in the tree' }, probe: { was: 'left-out' } },
        status: 'FAIL',
        unmet: ['resolves', 'probe'],
        findings: ['entrypoint-does-not-exist'],
      },
      'fails when its probe is a usage error': {
        params,
        seen: { ...seen, probe: { was: 'run', process: processSeen({ ended: { by: 'exit', code: 2 } }) } },
        status: 'FAIL',
        unmet: ['probe'],
        findings: ['entrypoint-does-not-exist'],
      },
      'fails when its probe was left out though it resolves': {
        params,
        seen: { ...seen, probe: { was: 'left-out' } },
        status: 'FAIL',
        unmet: ['probe'],
        findings: ['entrypoint-does-not-exist'],
      },
      'fails when another entrypoint was looked at': {
        params,
        seen: { ...seen, entrypoint: 'inspect' },
        status: 'FAIL',
        unmet: ['entrypoint'],
        findings: ['entrypoint-does-not-exist'],
      },
    },
    6,
  );
});

describe('the parameters of entrypoint', () => {
  readsParams(entrypointKind, {
    good: [params],
    bad: { 'refuses a name with a slash': { entrypoint: 'a/b' }, 'refuses a command': { argv: ['x'] } },
    count: 2,
  });
});
