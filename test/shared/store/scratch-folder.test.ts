import { chmodSync, existsSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { sha256 } from '../../../shared/digest.ts';
import { createManifest } from '../../../shared/release/manifest.ts';
import { ScratchFolder } from '../../../shared/store/scratch-folder.ts';

describe('scratch folder', () => {
  let scratch: ScratchFolder;
  beforeEach(() => {
    scratch = new ScratchFolder('keyturn-scratch-test');
  });
  afterEach(() => scratch.remove());

  it('is for one user alone', () => expect(statSync(scratch.path).mode & 0o777).to.equal(0o700));

  it('writes a file where nothing stands, and never over another', async () => {
    await scratch.write('a', [Buffer.from('one'), Buffer.from(' two')]);
    expect(readFileSync(scratch.at('a'), 'utf8')).to.equal('one two');
    const again = await scratch.write('a', [Buffer.from('three')]).catch((error: unknown) => error);
    expect(again).to.have.property('name', 'TransientError');
    expect(readFileSync(scratch.at('a'), 'utf8')).to.equal('one two');
  });

  it('writes a tree, each file by itself: a change to one does not reach another', () => {
    const file = { kind: 'file', mode: 0o755, size: 7, sha256: sha256('content') } as const;
    const manifest = createManifest([
      { ...file, path: 'deep/er/run' },
      { ...file, path: 'top', mode: 0o644 },
      { kind: 'symlink', path: 'deep/link', target: '../top' },
    ]);
    const root = scratch.writeTree('tree', manifest, () => [Buffer.from('con'), Buffer.from('tent')]);
    expect(statSync(join(root, 'deep/er/run')).mode & 0o777).to.equal(0o755);
    expect(readlinkSync(join(root, 'deep/link'))).to.equal('../top');
    writeFileSync(join(root, 'top'), 'changed');
    expect(readFileSync(join(root, 'deep/er/run'), 'utf8')).to.equal('content');
  });

  it('goes away as a whole, even where something in it was closed', () => {
    const closed = scratch.makeFolder('closed/inner');
    writeFileSync(join(closed, 'a'), 'x');
    chmodSync(scratch.at('closed'), 0o000);
    scratch.remove();
    expect(existsSync(scratch.path)).to.equal(false);
  });
});
