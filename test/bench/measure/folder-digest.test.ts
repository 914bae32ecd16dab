import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { digestOfFolder, isDeployManifest } from './folder-digest.ts';

describe('the digest of a folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-folder-digest-'));
    mkdirSync(join(folder, 'a'));
    writeFileSync(join(folder, 'a', 'file'), 'content');
    symlinkSync('a/file', join(folder, 'link'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const CHANGES: readonly (readonly [string, () => void])[] = [
    ['a changed byte', () => writeFileSync(join(folder, 'a', 'file'), 'Content')],
    ['a file more', () => writeFileSync(join(folder, 'b'), '')],
    ['a file less', () => rmSync(join(folder, 'a', 'file'))],
    [
      'a link to elsewhere',
      () => {
        rmSync(join(folder, 'link'));
        symlinkSync('a', join(folder, 'link'));
      },
    ],
  ];
  for (const [what, change] of CHANGES) {
    it(`is another after ${what}`, () => {
      const before = digestOfFolder(folder).digest;
      change();
      expect(digestOfFolder(folder).digest).not.to.equal(before);
    });
  }

  it('counts files and links, and leaves out what an agent adds, but not below', () => {
    expect(digestOfFolder(folder).files).to.equal(2);
    const before = digestOfFolder(folder, isDeployManifest);
    writeFileSync(join(folder, 'DEPLOY-MANIFEST.txt'), 'one');
    expect(digestOfFolder(folder, isDeployManifest)).to.deep.equal(before);
    writeFileSync(join(folder, 'a', 'DEPLOY-MANIFEST.txt'), 'two');
    expect(digestOfFolder(folder, isDeployManifest)).not.to.deep.equal(before);
  });
});
