import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { TransientError } from '../../../shared/errors.ts';
import { copyPlainFile, syncFile } from '../../../shared/store/file-copy.ts';
import { errorOf } from '../../support/errors-of.ts';

describe('shared/store/file-copy', () => {
  let folder: string;
  let from: string;
  let to: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-file-copy-'));
    [from, to] = [join(folder, 'from'), join(folder, 'to')];
    writeFileSync(from, 'content');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('makes a file of its own with the mode asked for, and syncs it', async () => {
    chmodSync(from, 0o444);
    await copyPlainFile(from, to, { mode: 0o755 });
    syncFile(to);
    expect(readFileSync(to, 'utf8')).to.equal('content');
    expect(statSync(to).mode & 0o7777).to.equal(0o755);
    expect(statSync(to).ino).to.not.equal(statSync(from).ino);
    expect([statSync(from).nlink, statSync(to).nlink]).to.deep.equal([1, 1]);
    writeFileSync(to, 'changed');
    expect(readFileSync(from, 'utf8')).to.equal('content');
  });

  it('overwrites nothing and writes through no link', async () => {
    writeFileSync(join(folder, 'outside'), 'untouched');
    for (const make of [
      () => writeFileSync(to, 'mine'),
      () => symlinkSync('outside', to),
      () => symlinkSync('nowhere', to),
    ]) {
      make();
      expect(await errorOf(copyPlainFile(from, to, { mode: 0o644 }))).to.be.instanceOf(TransientError);
      rmSync(to);
    }
    expect(readFileSync(join(folder, 'outside'), 'utf8')).to.equal('untouched');
  });

  it('copies no link, no folder, and does not wait for a pipe', async () => {
    symlinkSync('from', join(folder, 'link'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    for (const source of [join(folder, 'link'), join(folder, 'pipe'), folder, join(folder, 'missing')]) {
      expect(await errorOf(copyPlainFile(source, to, { mode: 0o644 })), source).to.be.instanceOf(TransientError);
    }
  });

  it('syncs no link and nothing that is missing', async () => {
    symlinkSync('from', join(folder, 'link'));
    for (const path of [join(folder, 'link'), join(folder, 'missing')]) {
      expect(await errorOf((async () => syncFile(path))()), path).to.be.instanceOf(TransientError);
    }
  });
});
