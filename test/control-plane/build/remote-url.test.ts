import { expect } from 'chai';
import { remoteWithoutCredentials } from '../../../control-plane/build/remote-url.ts';

const REMOTES: readonly (readonly [remote: string, said: string])[] = [
  ['https://git.example/app.git', 'https://git.example/app.git'],
  [`https://user:${'pass'}@git.example/app.git`, 'https://git.example/app.git'],
  [`https://${'token'}@git.example/app.git?private_token=${'abc'}#x`, 'https://git.example/app.git'],
  ['ssh://git@git.example:2222/team/app.git', 'ssh://git.example:2222/team/app.git'],
  ['git@git.example:team/app.git', 'ssh://git.example/team/app.git'],
  ['git.example:/team/app.git', 'ssh://git.example/team/app.git'],
  ['/home/somebody/app', ''],
  ['../app', ''],
  ['file:///home/somebody/app', ''],
  ['ext::sh -c touch% /tmp/owned', ''],
  ['https://git.example/\nHost: x', ''],
  [`https://git.example/${'x'.repeat(3000)}`, ''],
  ['', ''],
];

describe('remote without credentials', () => {
  for (const [remote, said] of REMOTES) {
    it(`says "${said}" of ${JSON.stringify(remote.slice(0, 60))}`, () =>
      expect(remoteWithoutCredentials(remote)).to.equal(said));
  }

  it('knows thirteen spellings', () => expect(REMOTES).to.have.length(13));
});
