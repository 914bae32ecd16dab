import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sha256 } from '../../../shared/digest.ts';
import { endDiskThreads } from '../../../shared/store/disk-threads/disk-threads.ts';
import { DiskDigest, type PartDigest } from '../../../shared/store/part-digest.ts';
import { PartFile } from '../../../shared/store/part-file.ts';
import { noise } from '../../support/noise.ts';

const CONTENT = noise('part', 2_000_000);

const DIGESTS: Readonly<Record<string, ((path: string) => PartDigest) | undefined>> = {
  'as it is written': undefined,
  'from the disk': (path) => new DiskDigest(path, { size: CONTENT.length, signal: new AbortController().signal }),
};

for (const [how, digest] of Object.entries(DIGESTS)) {
  describe(`a part that is hashed ${how}`, () => {
    let folder: string;
    let path: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'keyturn-part-'));
      path = join(folder, 'blob.part');
    });
    afterEach(async () => {
      await endDiskThreads();
      await rm(folder, { recursive: true, force: true });
    });

    const open = () => PartFile.open(path, { keepUpTo: CONTENT.length - 1, digest });

    it('has the digest of all its pieces, and is there under its name only once it is published', async () => {
      await using part = await open();
      for (let at = 0; at < CONTENT.length; at += 300_000) await part.append(CONTENT.subarray(at, at + 300_000));
      expect(await part.digest()).to.equal(sha256(CONTENT));
      expect(existsSync(join(folder, 'blob'))).to.equal(false);
      await part.publishDurably(join(folder, 'blob'));
      expect(readFileSync(join(folder, 'blob')).equals(CONTENT)).to.equal(true);
    });

    it('goes on behind what an interrupted writer left, and hashes that, too', async () => {
      writeFileSync(path, CONTENT.subarray(0, 700_001));
      await using part = await open();
      expect(part.bytes).to.equal(700_001);
      await part.append(CONTENT.subarray(700_001));
      expect(await part.digest()).to.equal(sha256(CONTENT));
    });

    it('has another digest when the beginning was wrong', async () => {
      writeFileSync(path, Buffer.alloc(700_001));
      await using part = await open();
      await part.append(CONTENT.subarray(700_001));
      expect(await part.digest()).to.not.equal(sha256(CONTENT));
    });

    it('throws away what cannot be its beginning', async () => {
      writeFileSync(path, Buffer.alloc(CONTENT.length));
      await using part = await open();
      expect(part.bytes).to.equal(0);
      await part.append(CONTENT);
      expect(await part.digest()).to.equal(sha256(CONTENT));
    });

    it('is gone once it is discarded', async () => {
      await using part = await open();
      await part.append(CONTENT.subarray(0, 5));
      await part.discard();
      expect(existsSync(path)).to.equal(false);
    });
  });
}
