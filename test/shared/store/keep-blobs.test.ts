import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sha256 } from '../../../shared/digest.ts';
import { keepVerifiedBlobs } from '../../../shared/store/keep-blobs.ts';
import { filesBelow } from '../../support/command-line.ts';
import { codeOf } from '../../support/rejection-of.ts';

describe('shared/store/keep-blobs', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-keep-'));
    mkdirSync(join(folder, 'blobs'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const blobOf = (text: string) => {
    const digest = sha256(text);
    return {
      sha256: digest,
      content: Buffer.from(text),
      path: join(folder, 'blobs', digest.slice(0, 2), digest),
    };
  };
  const aside = () => join(folder, 'aside');

  it('gives each blob its place, closed to others, and leaves nothing aside', async () => {
    const blobs = Array.from({ length: 100 }, (_, index) => blobOf('x'.repeat(index)));
    await keepVerifiedBlobs(blobs, { aside: aside() });
    for (const { path, content } of blobs) {
      expect(readFileSync(path).equals(content)).to.equal(true);
      expect(statSync(path).mode & 0o777).to.equal(0o600);
    }
    expect(filesBelow(join(folder, 'blobs'))).to.have.length(100);
    expect(existsSync(aside())).to.equal(false);
  });

  it('keeps a blob that is there already', async () => {
    await keepVerifiedBlobs([blobOf('one')], { aside: aside() });
    await keepVerifiedBlobs([blobOf('one'), blobOf('two')], { aside: aside() });
    expect(filesBelow(join(folder, 'blobs'))).to.have.length(2);
  });

  it('gives no blob its name when one of them cannot be written, and leaves nothing aside', async () => {
    const [one, two] = [blobOf('one'), blobOf('two')];
    const kept = keepVerifiedBlobs([one, { ...two, sha256: `no-such-folder/${two.sha256}` }], { aside: aside() });
    expect(await codeOf(kept)).to.equal('transient');
    expect(readdirSync(folder)).to.deep.equal(['blobs']);
    expect(readdirSync(join(folder, 'blobs'))).to.deep.equal([]);
  });

  it('does not write into a folder that stands there already', async () => {
    mkdirSync(aside());
    expect(await codeOf(keepVerifiedBlobs([blobOf('one')], { aside: aside() }))).to.equal('transient');
    expect(readdirSync(folder)).to.deep.equal(['aside', 'blobs']);
    expect(readdirSync(join(folder, 'blobs'))).to.deep.equal([]);
  });
});
