import { expect } from 'chai';
import { buildEnvironmentKind } from '../../../../shared/ledger/kinds/build-environment.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const seen = {
  platform: 'linux',
  architecture: 'x64',
  machine: 'build-1',
  node: '24.0.0',
  git: '2.45.0',
  keyturn: '0.1.0',
};

describe('the judge of build-environment', () => {
  judgesRows(
    buildEnvironmentKind,
    {
      'passes on a build machine that is known': { params: {}, seen, status: 'PASS' },
    },
    1,
  );

  readsParams(buildEnvironmentKind, { good: [{}], bad: { 'refuses a parameter': { machine: 'build-1' } }, count: 1 });

  it('takes no machine without a platform or a tool without a version', () => {
    for (const key of Object.keys(seen)) {
      expect(buildEnvironmentKind.observation.safeParse({ ...seen, [key]: '' }).success).to.equal(false);
    }
  });
});
