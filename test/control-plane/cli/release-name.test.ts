import { expect } from 'chai';
import { parseReleaseName } from '../../../control-plane/cli/release-name.ts';
import { UsageError } from '../../../shared/service/failure.ts';

describe('the name of a release', () => {
  it('is an application and a version', () => {
    expect(parseReleaseName('iu-cutter@v0.6')).to.deep.equal({ app: 'iu-cutter', version: 'v0.6' });
  });

  for (const text of [
    '',
    'iu-cutter',
    '@v1',
    'iu-cutter@',
    'a@b@c',
    'A@1',
    'a@V1',
    '../x@1',
    'a@../1',
    'a@1\n',
    'a @1',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      expect(() => parseReleaseName(text)).to.throw(UsageError, 'expected NAME@VERSION');
    });
  }
});
