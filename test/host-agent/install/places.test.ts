import { expect } from 'chai';

import { placesOf } from '../../../host-agent/install/places.ts';
import { installFixture } from '../../support/install-fixture.ts';

describe('host-agent/install/places', () => {
  const fixture = installFixture();
  const { release } = fixture.context;
  fixture.remove();

  it('puts everything below the install root of the plan', () => {
    expect(placesOf({ rootPrefix: '', release, run: 'run-1', hidden: ['/var/lib/keyturn'] })).to.deep.equal({
      rootPrefix: '',
      installRoot: '/opt/dot',
      installPath: '/opt/dot/app-1.0',
      staging: '/opt/dot/.keyturn/staging/run-1',
      aside: '/opt/dot/.keyturn/aside/run-1',
      hidden: ['/var/lib/keyturn'],
    });
    expect(placesOf({ rootPrefix: '/srv/h1', release, run: 'run-1', hidden: [] }).installPath).to.equal(
      '/srv/h1/opt/dot/app-1.0',
    );
  });

  for (const run of ['', '.', '..', '../x', 'a/b', 'a\0', '-x', 'r'.repeat(65)]) {
    it(`takes no run id ${JSON.stringify(run.slice(0, 8))} that is no plain name`, () => {
      expect(() => placesOf({ rootPrefix: '', release, run, hidden: [] })).to.throw('expected a run id');
    });
  }
});
