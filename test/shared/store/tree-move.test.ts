import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { TransientError } from '../../../shared/errors.ts';
import { moveTree, standingAt } from '../../../shared/store/tree-move.ts';
import { codeOf } from '../../support/errors-of.ts';
import { canMount, withTmpfs } from '../../support/mounts.ts';
import { skipAloud } from '../../support/skip.ts';

describe('shared/store/tree-move', () => {
  let folder: string;
  let from: string;
  let to: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-tree-move-'));
    [from, to] = [join(folder, 'from'), join(folder, 'to')];
    mkdirSync(from);
    writeFileSync(join(from, 'file'), 'content');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('moves the folder itself: the inode stays', () => {
    const { ino } = statSync(from);
    moveTree(from, to);
    expect(statSync(to).ino).to.equal(ino);
    expect(readdirSync(folder)).to.deep.equal(['to']);
  });

  const OCCUPANTS: Readonly<Record<string, () => void>> = {
    'a file': () => writeFileSync(to, 'mine'),
    'an empty folder': () => mkdirSync(to),
    'a folder with a file in it': () => {
      mkdirSync(to);
      writeFileSync(join(to, 'mine'), 'mine');
    },
    'a link to a folder': () => symlinkSync(folder, to),
    'a dangling link': () => symlinkSync('nowhere', to),
  };
  for (const [what, occupy] of Object.entries(OCCUPANTS)) {
    it(`replaces nothing: ${what} at the target stays, and so does the tree`, async () => {
      occupy();
      const before = lstatSync(to).ino;
      expect(await codeOf(() => moveTree(from, to))).to.equal('target-present');
      expect(lstatSync(to).ino).to.equal(before);
      expect(readFileSync(join(from, 'file'), 'utf8')).to.equal('content');
    });
  }

  it('moves no link and no file', () => {
    symlinkSync('from', join(folder, 'link'));
    expect(() => moveTree(join(folder, 'link'), to)).to.throw(TransientError, 'no folder stands there');
    expect(() => moveTree(join(from, 'file'), to)).to.throw(TransientError, 'no folder stands there');
    expect(() => moveTree(join(folder, 'missing'), to)).to.throw(TransientError);
    expect(existsSync(to)).to.equal(false);
  });

  it('says what to do when the target is on another file system, and moves nothing', async function () {
    if (!canMount()) {
      skipAloud(this, 'mounting needs root');
    }
    mkdirSync(join(folder, 'other'));
    await withTmpfs(join(folder, 'other'), 'size=1m', () => {
      const error = thrownBy(() => moveTree(from, join(folder, 'other', 'to')));
      expect(error).to.be.instanceOf(TransientError).with.property('hint').that.contains('one file system');
      expect(readdirSync(join(folder, 'other'))).to.deep.equal([]);
    });
    expect(readdirSync(from)).to.deep.equal(['file']);
  });

  it('looks at a link itself', () => {
    symlinkSync('nowhere', to);
    expect(standingAt(to)?.isSymbolicLink()).to.equal(true);
    expect(standingAt(join(folder, 'missing'))).to.equal(undefined);
  });
});

function thrownBy(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
