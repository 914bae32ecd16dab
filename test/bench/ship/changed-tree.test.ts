import { expect } from 'chai';
import { CHANGED_COUNT, changeTree, makeTree } from './changed-tree.ts';

describe('the tree with changed files', () => {
  const COUNT = 1_000;

  it('is the same whenever it is made', () => {
    const [first, second] = [makeTree(50), makeTree(50)];
    expect(first.map(({ path }) => path)).to.deep.equal(second.map(({ path }) => path));
    expect(first.every(({ content }, index) => content.equals(second[index]?.content ?? Buffer.alloc(0)))).to.equal(
      true,
    );
  });

  it('has files of about 24 kB on average, two of five text', () => {
    const files = makeTree(COUNT);
    const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
    expect(bytes / COUNT).to.be.within(20_000, 28_000);
    expect(files.filter(({ isText }) => isText)).to.have.length(0.4 * COUNT);
    expect(new Set(files.map(({ path }) => path)).size).to.equal(COUNT);
  });

  it('changes twenty files in each step, other ones each time, of about 623 kB in all', () => {
    const files = makeTree(COUNT);
    const seen = new Set<string>();
    for (let step = 0; step < 4; step += 1) {
      const before = new Map(files.map(({ path, content }) => [path, content]));
      const changed = changeTree(files, step);
      const differing = files.filter(({ path, content }) => !before.get(path)?.equals(content));
      expect(differing.map(({ path }) => path).sort()).to.deep.equal(changed.map(({ path }) => path).sort());
      expect(changed).to.have.length(CHANGED_COUNT);
      for (const { path } of changed) seen.add(path);
      expect(changed.reduce((sum, { content }) => sum + content.length, 0)).to.be.within(480_000, 800_000);
    }
    expect(seen.size).to.equal(4 * CHANGED_COUNT);
  });

  it('changes text as well as dense files', () => {
    const changed = changeTree(makeTree(COUNT), 0);
    expect(changed.filter(({ isText }) => isText).length).to.be.within(3, 17);
  });

  it('refuses a step for which no unchanged files are left', () => {
    expect(() => changeTree(makeTree(100), 5)).to.throw(RangeError, 'step 5');
  });
});
