import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { TransientError } from '../../../shared/errors.ts';
import {
  checkPrivate,
  isPrivateFolder,
  openPrivateFolder,
  removeFolderIfEmpty,
} from '../../../shared/store/private-folder.ts';
import { codeOf } from '../../support/errors-of.ts';
import { skipAloud } from '../../support/skip.ts';

describe('shared/store/private-folder', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-private-folder-'));
    path = join(folder, 'private');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('makes a folder for this user alone, and accepts it again', () => {
    const umask = process.umask(0o277);
    try {
      openPrivateFolder(path);
    } finally {
      process.umask(umask);
    }
    expect(isPrivateFolder(path)).to.equal(true);
    openPrivateFolder(path);
    expect(statSync(path).mode & 0o7777).to.equal(0o700);
  });

  const FOREIGN: Readonly<Record<string, () => void>> = {
    'a folder that a group can write to': () => mkdirAs(0o770),
    'a folder that everybody can read': () => mkdirAs(0o705),
    'a sticky folder': () => mkdirAs(0o1700),
    'a link to a private folder': () => {
      mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
      symlinkSync('elsewhere', path);
    },
    'a dangling link': () => symlinkSync('nowhere', path),
    'a file': () => writeFileSync(path, ''),
  };
  for (const [what, make] of Object.entries(FOREIGN)) {
    it(`trusts no ${what.replace(/^an? /, '')}, and leaves it as it is`, async () => {
      make();
      const before = lstatSync(path);
      expect(await codeOf(() => openPrivateFolder(path))).to.equal('folder-not-private');
      expect(lstatSync(path).mode).to.equal(before.mode);
      expect(lstatSync(path).ino).to.equal(before.ino);
      expect(isPrivateFolder(path)).to.equal(false);
    });
  }

  it('trusts no folder of another user', async function () {
    if (process.geteuid?.() !== 0) {
      skipAloud(this, 'giving a folder away needs root');
    }
    mkdirAs(0o700);
    chownSync(path, 12345, 12345);
    expect(await codeOf(() => checkPrivate(path))).to.equal('folder-not-private');
  });

  it('removes an empty folder only', () => {
    mkdirSync(path);
    writeFileSync(join(path, 'file'), '');
    removeFolderIfEmpty(path);
    expect(readdirSync(path)).to.deep.equal(['file']);
    rmSync(join(path, 'file'));
    removeFolderIfEmpty(path);
    removeFolderIfEmpty(path);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('fails below a parent that is missing', () => {
    expect(() => openPrivateFolder(join(folder, 'missing', 'private'))).to.throw(TransientError);
  });

  function mkdirAs(mode: number): void {
    mkdirSync(path);
    chmodSync(path, mode);
  }
});
