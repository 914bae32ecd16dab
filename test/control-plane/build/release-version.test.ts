import { expect } from 'chai';
import { decideVersion } from '../../../control-plane/build/release-version.ts';

const COMMIT = '6625f76a1b2c3d4e5f60718293a4b5c6d7e8f901';
const sources = { requested: undefined, ref: 'refs/heads/main', declared: undefined, commit: COMMIT };

describe('version of a release', () => {
  it('is the requested one, before the tag', () => {
    expect(decideVersion({ ...sources, requested: '1.2', ref: 'refs/tags/v0.6' })).to.equal('1.2');
  });
  it('is the name of the tag', () => expect(decideVersion({ ...sources, ref: 'refs/tags/v0.6' })).to.equal('v0.6'));
  it('is the declared one with the commit behind it', () => {
    expect(decideVersion({ ...sources, declared: '0.6' })).to.equal('0.6-g6625f76a1b2c');
  });
  it('is 0.0.0 with the commit where nothing is declared', () =>
    expect(decideVersion(sources)).to.equal('0.0.0-g6625f76a1b2c'));

  for (const version of ['V1', '', '../etc', 'a/b', '-x', '1 2', 'é', 'x'.repeat(64)]) {
    it(`is never ${JSON.stringify(version)}, and no other instead`, () => {
      for (const wrong of [{ requested: version }, { ref: `refs/tags/${version}` }])
        expect(() => decideVersion({ ...sources, ...wrong }))
          .to.throw()
          .with.property('code', 'version-malformed');
    });
  }
});
