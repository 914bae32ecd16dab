import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { TransientError } from '../../../shared/errors.ts';
import { makeDirectory, removeTree, writeFileAtomic, writeFilesAtomic } from '../../../shared/store/atomic-file.ts';
import { errorOf } from '../../support/errors-of.ts';

describe('shared/store/atomic-file', function () {
  this.timeout(30_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-atomic-file-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes text and bytes, and leaves nothing beside the file', () => {
    writeFileAtomic(join(folder, 'a'), 'text');
    writeFileAtomic(join(folder, 'b'), Buffer.from([0, 255]));
    expect(readFileSync(join(folder, 'a'), 'utf8')).to.equal('text');
    expect([...readFileSync(join(folder, 'b'))]).to.deep.equal([0, 255]);
    expect(readdirSync(folder)).to.have.members(['a', 'b']);
  });

  it('replaces the file as a whole: who holds the old file open still reads the old bytes', () => {
    const path = join(folder, 'a');
    writeFileAtomic(path, 'old');
    const oldInode = statSync(path).ino;
    writeFileAtomic(path, 'new');
    expect(statSync(path).ino).to.not.equal(oldInode);
    expect(readFileSync(path, 'utf8')).to.equal('new');
  });

  it('sets the mode asked for, whatever the umask', () => {
    const umask = process.umask(0o077);
    try {
      writeFileAtomic(join(folder, 'public'), '', { mode: 0o644 });
      process.umask(0);
      writeFileAtomic(join(folder, 'secret'), '', { mode: 0o600 });
    } finally {
      process.umask(umask);
    }
    expect(statSync(join(folder, 'public')).mode & 0o777).to.equal(0o644);
    expect(statSync(join(folder, 'secret')).mode & 0o777).to.equal(0o600);
  });

  it('leaves the old content and nothing beside it when it fails', () => {
    const path = join(folder, 'taken');
    makeDirectory(join(path, 'child'));
    expect(() => writeFileAtomic(path, 'x')).to.throw(TransientError, `failed to write "${path}"`);
    expect(readdirSync(folder)).to.deep.equal(['taken']);
    expect(readdirSync(path)).to.deep.equal(['child']);
  });

  it('replaces a symbolic link instead of writing through it', () => {
    writeFileAtomic(join(folder, 'outside'), 'untouched');
    symlinkSync(join(folder, 'outside'), join(folder, 'link'));
    writeFileAtomic(join(folder, 'link'), 'new');
    expect(readFileSync(join(folder, 'outside'), 'utf8')).to.equal('untouched');
    expect(readFileSync(join(folder, 'link'), 'utf8')).to.equal('new');
  });

  it('replaces several files of a folder, each as a whole', async () => {
    writeFileAtomic(join(folder, 'a'), 'old');
    const held = openSync(join(folder, 'a'), 'r');
    try {
      await writeFilesAtomic(folder, [
        { name: 'a', content: Buffer.from('new') },
        { name: 'b', content: Buffer.from([0, 255]) },
      ]);
      expect(readFileSync(held, 'utf8')).to.equal('old');
    } finally {
      closeSync(held);
    }
    expect(readFileSync(join(folder, 'a'), 'utf8')).to.equal('new');
    expect([...readFileSync(join(folder, 'b'))]).to.deep.equal([0, 255]);
    expect(statSync(join(folder, 'b')).mode & 0o777).to.equal(0o644);
    await writeFilesAtomic(folder, []);
    expect(readdirSync(folder)).to.have.members(['a', 'b']);
  });

  it('replaces none of several files when one cannot be written, and leaves nothing beside them', async () => {
    writeFileAtomic(join(folder, 'a'), 'old');
    const files = [
      { name: 'a', content: Buffer.from('new') },
      { name: 'missing/b', content: Buffer.from('new') },
    ];
    expect(await errorOf(writeFilesAtomic(folder, files))).to.be.instanceOf(TransientError);
    expect(readFileSync(join(folder, 'a'), 'utf8')).to.equal('old');
    expect(readdirSync(folder)).to.deep.equal(['a']);
  });

  it('makes missing parents and sets the mode on the folder, even on one that was there', () => {
    const path = join(folder, 'x', 'y', 'z');
    makeDirectory(path, { mode: 0o700 });
    expect(statSync(path).mode & 0o777).to.equal(0o700);
    chmodSync(path, 0o755);
    makeDirectory(path, { mode: 0o700 });
    expect(statSync(path).mode & 0o777).to.equal(0o700);
  });

  it('refuses to make a folder where a file stands', () => {
    writeFileAtomic(join(folder, 'file'), '');
    expect(() => makeDirectory(join(folder, 'file', 'below'))).to.throw(TransientError, 'failed to make the folder');
  });

  it('removes a tree, accepts that nothing is there, and does not follow links out of it', () => {
    makeDirectory(join(folder, 'tree', 'deep'));
    writeFileAtomic(join(folder, 'outside'), 'untouched');
    symlinkSync(folder, join(folder, 'tree', 'deep', 'up'));
    removeTree(join(folder, 'tree'));
    removeTree(join(folder, 'tree'));
    expect(existsSync(join(folder, 'tree'))).to.equal(false);
    expect(readFileSync(join(folder, 'outside'), 'utf8')).to.equal('untouched');
  });
});
