import { existsSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sha256 } from '../../../shared/digest.ts';
import { TransientError } from '../../../shared/errors.ts';
import { ScratchBlobs } from '../../../shared/store/scratch-blobs.ts';
import { errorOf } from '../../support/errors-of.ts';
import { noise } from '../../support/noise.ts';

describe('shared/store/scratch-blobs', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-scratch-'));
    path = join(folder, 'contents');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('gives back each content by its digest, as often as it is asked for, a large one in pieces', async () => {
    using blobs = new ScratchBlobs(path);
    const contents = [0, 1, 5_000, 3 * 1024 * 1024 + 1].map((size) => noise(`${size}`, size));
    for (const content of contents) {
      const halves = [content.subarray(0, content.length / 2), content.subarray(content.length / 2)];
      expect(await blobs.add(halves)).to.deep.equal({ sha256: sha256(content), size: content.length });
    }
    for (const content of [...contents, ...contents.toReversed()])
      expect(blobs.read(sha256(content)).equals(content)).to.equal(true);
    const large = contents.at(-1) ?? Buffer.alloc(0);
    expect([...blobs.pieces(sha256(large))].map(({ length }) => length)).to.deep.equal([1 << 20, 1 << 20, 1 << 20, 1]);
  });

  it('keeps equal contents once, and is closed to others', async () => {
    using blobs = new ScratchBlobs(path);
    for (const text of ['one', 'two', 'one', 'two', 'six']) await blobs.add([Buffer.from(text)]);
    expect(['one', 'two', 'six'].map((text) => blobs.read(sha256(text)).toString())).to.deep.equal([
      'one',
      'two',
      'six',
    ]);
    expect(statSync(path)).to.include({ size: 9 });
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  it('forgets a content that broke off, and goes on with the next', async () => {
    using blobs = new ScratchBlobs(path);
    function* broken(): Generator<Buffer> {
      yield Buffer.from('half');
      throw new Error('git was killed');
    }
    expect(await errorOf(blobs.add(broken()))).to.match(/git was killed/);
    await blobs.add([Buffer.from('whole')]);
    expect(blobs.read(sha256('whole')).toString()).to.equal('whole');
    expect(() => blobs.read(sha256('half'))).to.throw('is not in');
  });

  it('says so when the disk does not give back what it got, or something stands in its place', async () => {
    using blobs = new ScratchBlobs(path);
    await blobs.add([Buffer.from('content')]);
    truncateSync(path, 3);
    expect(() => blobs.read(sha256('content'))).to.throw(TransientError);
    writeFileSync(join(folder, 'other'), '');
    expect(() => new ScratchBlobs(join(folder, 'other'))).to.throw(TransientError);
    expect(existsSync(join(folder, 'other'))).to.equal(true);
  });
});
