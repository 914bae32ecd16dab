/**
 * The scenarios of the public TUF client conformance suite, and some it does not have, against the client that the suite
 * is given (`scripts/tuf-client`): real HTTP, real SQLite, real files.
 */
import { expect } from 'chai';

import { delegationStories } from './conformance/delegation-stories.ts';
import { downloadStories } from './conformance/download-stories.ts';
import { expiryStories } from './conformance/expiry-stories.ts';
import { keyStories } from './conformance/key-stories.ts';
import { networkStories } from './conformance/network-stories.ts';
import { refreshStories } from './conformance/refresh-stories.ts';
import { rollbackStories } from './conformance/rollback-stories.ts';
import { roleAfterRoleStories, roleRotationStories, rootRotationStories } from './conformance/rotation-stories.ts';
import { searchStories } from './conformance/search-stories.ts';
import { play, type Stories, World } from './conformance/story.ts';

const CHAPTERS: { readonly [chapter: string]: Stories } = {
  refreshing: refreshStories,
  'a hostile network': networkStories,
  expiry: expiryStories,
  'rolling back': rollbackStories,
  keys: keyStories,
  'root rotation': rootRotationStories,
  'rotation of other roles': roleRotationStories,
  'rotation of one role after the other': roleAfterRoleStories,
  'delegated roles': delegationStories,
  'searching for a target': searchStories,
  downloading: downloadStories,
};

describe('host-agent/trust conformance', function () {
  this.timeout(30_000);
  let world: World;
  beforeEach(async () => {
    world = new World();
    await world.start();
  });
  afterEach(() => world.stop());

  for (const [chapter, stories] of Object.entries(CHAPTERS)) {
    describe(chapter, () => {
      for (const [sentence, story] of Object.entries(stories)) it(sentence, () => play(story, world));
    });
  }

  it('has told every story', () => {
    const count = Object.values(CHAPTERS).reduce((sum, stories) => sum + Object.keys(stories).length, 0);
    expect(count).to.be.at.least(190);
  });
});
