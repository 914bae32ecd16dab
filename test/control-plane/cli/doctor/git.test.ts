import { expect } from 'chai';
import { diagnoseGit } from '../../../../control-plane/cli/doctor/git.ts';

describe('diagnoseGit', () => {
  for (const [version, level] of [
    ['2.39.5', 'ok'],
    ['2.31', 'ok'],
    ['3.0.0', 'ok'],
    ['2.30.9', 'warning'],
    ['git', 'warning'],
  ] as const) {
    it(`gives ${level} for ${version}`, () => expect(diagnoseGit(version).level).to.equal(level));
  }
});
