import { expect } from 'chai';
import { diagnoseReleases } from '../../../../control-plane/cli/doctor/releases.ts';

const releases = (app: string, count: number) => Array.from({ length: count }, () => ({ app }));

describe('diagnoseReleases', () => {
  for (const [count, level] of [
    [1, 'ok'],
    [224, 'ok'],
    [225, 'warning'],
    [299, 'warning'],
    [300, 'trouble'],
  ] as const) {
    it(`gives ${level} for ${count} releases of one application, of 300`, () => {
      const [found, ...others] = diagnoseReleases(releases('cutter', count));
      expect(found?.level).to.equal(level);
      expect(found?.statement).to.match(new RegExp(`^cutter: ${count} of at most 300 are published`));
      expect(others).to.deep.equal([]);
    });
  }

  it('judges each application by itself', () => {
    const found = diagnoseReleases([...releases('a', 200), ...releases('b', 300)]);
    expect(found.map(({ level }) => level)).to.deep.equal(['ok', 'trouble']);
  });

  it('says that there is none', () => {
    expect(diagnoseReleases([])).to.deep.equal([{ level: 'ok', statement: 'none is published' }]);
  });
});
