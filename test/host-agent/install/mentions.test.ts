import { expect } from 'chai';

import { mentions } from '../../../host-agent/install/mentions.ts';

describe('host-agent/install/mentions', () => {
  const ROWS: readonly (readonly [string, boolean])[] = [
    ['/opt/dot/app-1', true],
    ['ExecStart=/opt/dot/app-1/bin/run', true],
    ['cd "/opt/dot/app-1" && run', true],
    ['PATH=/bin:/opt/dot/app-1:/usr/bin', true],
    ['python3\0/opt/dot/app-1/x\0', true],
    ['/opt/dot/app-10 /opt/dot/app-1', true],
    ['/opt/dot/app-10', false],
    ['/opt/dot/app-1.1', false],
    ['/opt/dot/app-1_old', false],
    ['/srv/opt/dot/app-1', false],
    ['/opt/dot/app', false],
    ['', false],
  ];
  for (const [text, isMentioned] of ROWS) {
    it(`${isMentioned ? 'finds' : 'does not find'} /opt/dot/app-1 in ${JSON.stringify(text)}`, () => {
      expect(mentions(Buffer.from(text), ['/opt/dot/app-1'])).to.equal(isMentioned);
    });
  }

  it('looks for each of several paths, and for none', () => {
    expect(mentions(Buffer.from('/b'), ['/a', '/b'])).to.equal(true);
    expect(mentions(Buffer.from('/b'), [])).to.equal(false);
  });
});
