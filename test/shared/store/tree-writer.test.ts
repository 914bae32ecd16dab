import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
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
  type Manifest,
  type ManifestFile,
  manifestFiles,
  manifestTreeDigest,
} from '../../../shared/release/manifest.ts';
import { hashTree } from '../../../shared/store/tree-reader.ts';
import { writeTree } from '../../../shared/store/tree-writer.ts';
import { codeOf, errorOf } from '../../support/errors-of.ts';
import { CONTENT, manifestOf } from '../../support/install-fixture.ts';

describe('shared/store/tree-writer', () => {
  const { manifest, blobs } = manifestOf(CONTENT);
  let folder: string;
  let tree: string;
  const contentOf = (file: ManifestFile) => join(folder, 'blobs', file.sha256);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-tree-writer-'));
    mkdirSync(join(folder, 'blobs'));
    mkdirSync(join(folder, 'private'), { mode: 0o700 });
    tree = join(folder, 'private', 'tree');
    for (const [digest, bytes] of blobs) writeFileSync(join(folder, 'blobs', digest), bytes, { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (const umask of [0, 0o022, 0o027, 0o077]) {
    it(`writes exactly what the manifest says under umask ${umask.toString(8)}`, async () => {
      const old = process.umask(umask);
      try {
        await writeTree(tree, manifest, { contentOf });
      } finally {
        process.umask(old);
      }
      expect((await hashTree(tree)).digest).to.equal(manifestTreeDigest(manifest));
      expect(statSync(tree).mode & 0o7777).to.equal(0o755);
      expect(readlinkSync(join(tree, 'bin/current'))).to.equal('run');
    });
  }

  it('gives each file an inode of its own, also where contents are equal', async () => {
    await writeTree(tree, manifest, { contentOf });
    const inodes = manifestFiles(manifest).flatMap((file) => [
      statSync(join(tree, file.path)).ino,
      statSync(contentOf(file)).ino,
    ]);
    const distinct = manifestFiles(manifest).length + blobs.size;
    expect(new Set(inodes).size).to.equal(distinct);
    expect(manifestFiles(manifest).every(({ path }) => statSync(join(tree, path)).nlink === 1)).to.equal(true);
  });

  it('refuses a parent that others could write to, a foreign one, and a link, and writes nothing', async () => {
    chmodSync(join(folder, 'private'), 0o770);
    expect(await codeOf(() => writeTree(tree, manifest, { contentOf }))).to.equal('folder-not-private');
    expect(readdirSync(join(folder, 'private'))).to.deep.equal([]);
    chmodSync(join(folder, 'private'), 0o700);
    symlinkSync('private', join(folder, 'link'));
    expect(await codeOf(() => writeTree(join(folder, 'link', 'tree'), manifest, { contentOf }))).to.equal(
      'folder-not-private',
    );
    expect(readdirSync(join(folder, 'private'))).to.deep.equal([]);
  });

  const OCCUPANTS: Readonly<Record<string, (at: string, outside: string) => void>> = {
    'a folder': (at) => mkdirSync(at),
    'a file': (at) => writeFileSync(at, 'there'),
    'a link to a folder outside': (at, outside) => symlinkSync(outside, at),
    'a dangling link': (at) => symlinkSync('nowhere', at),
  };
  for (const [what, occupy] of Object.entries(OCCUPANTS)) {
    it(`fails where ${what} stands already, and writes nothing through it`, async () => {
      const outside = join(folder, 'outside');
      mkdirSync(outside);
      occupy(tree, outside);
      expect(await errorOf(writeTree(tree, manifest, { contentOf }))).to.be.instanceOf(TransientError);
      expect(readdirSync(outside)).to.deep.equal([]);
      expect(lstatSync(tree).isSymbolicLink()).to.equal(what.includes('link'));
    });
  }

  it('checks the paths itself: a forged manifest writes nothing', async () => {
    const forged: readonly (readonly [string, string])[] = [
      ['path-absolute', '/tmp/keyturn-forged'],
      ['path-dot-segment', '../forged'],
      ['path-control-character', 'a\0b'],
      ['path-reserved', 'DEPLOY-MANIFEST.txt'],
      ['path-segment-too-long', 'n'.repeat(300)],
      ['path-not-nfc', 'e\u0301'],
    ];
    for (const [code, path] of forged) {
      expect(await codeOf(() => writeTree(tree, manifestWith({ path }), { contentOf })), path).to.equal(code);
      expect(readdirSync(join(folder, 'private')), path).to.deep.equal([]);
    }
    expect(forged).to.have.length(6);
    expect(existsSync('/tmp/keyturn-forged')).to.equal(false);
  });

  it('follows no link that stands in the place of content', async () => {
    writeFileSync(join(folder, 'secret'), 'secret');
    const [first] = manifestFiles(manifest);
    if (!first) throw new Error('expected a file');
    rmSync(contentOf(first));
    symlinkSync(join(folder, 'secret'), contentOf(first));
    expect(await errorOf(writeTree(tree, manifest, { contentOf }))).to.be.instanceOf(TransientError);
    const written = readdirSync(tree, { recursive: true, encoding: 'utf8' }).filter((path) =>
      lstatSync(join(tree, path)).isFile(),
    );
    expect(written.some((path) => readFileSync(join(tree, path), 'utf8') === 'secret')).to.equal(false);
  });

  it('creates links last, so that a failed call leaves none', async () => {
    const [first] = manifestFiles(manifest);
    if (!first) throw new Error('expected a file');
    rmSync(contentOf(first));
    expect(await errorOf(writeTree(tree, manifest, { contentOf }))).to.be.instanceOf(TransientError);
    const links = readdirSync(tree, { recursive: true, encoding: 'utf8' }).filter((path) =>
      lstatSync(join(tree, path)).isSymbolicLink(),
    );
    expect(links).to.deep.equal([]);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('killed'));
    expect(await errorOf(writeTree(tree, manifest, { contentOf, signal }))).to.have.property('message', 'killed');
  });

  function manifestWith(change: { path: string }): Manifest {
    const [first] = manifestFiles(manifest);
    if (!first) throw new Error('expected a file');
    return { ...manifest, entries: [{ ...first, ...change }] };
  }
});
