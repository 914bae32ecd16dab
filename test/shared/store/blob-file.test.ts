import {
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

import { sha256 } from '../../../shared/digest.ts';
import { TransientError } from '../../../shared/errors.ts';
import { blobPath, bytesOfPart, copyBlob, PartFile, partPath } from '../../../shared/store/blob-file.ts';

const CONTENT = Buffer.from('0123456789');
const DIGEST = sha256(CONTENT);

describe('shared/store/blob-file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-blob-file-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = () => new PartFile(folder, DIGEST, CONTENT.length);

  it('gives a blob its name once its digest is right, readable to this user alone', () => {
    const part = open();
    part.append(CONTENT.subarray(0, 4));
    expect(readdirSync(folder)).to.deep.equal([`${DIGEST}.part`]);
    part.append(CONTENT.subarray(4));
    expect(part.finish()).to.equal(true);
    part.close();
    expect(readdirSync(folder)).to.deep.equal([DIGEST]);
    expect(statSync(blobPath(folder, DIGEST)).mode & 0o777).to.equal(0o600);
  });

  it('goes on where an interrupted run stopped', () => {
    writeFileSync(partPath(folder, DIGEST), CONTENT.subarray(0, 7));
    expect(bytesOfPart(folder, DIGEST, CONTENT.length)).to.equal(7);
    const part = open();
    expect(part.bytes).to.equal(7);
    part.append(CONTENT.subarray(7));
    expect(part.finish()).to.equal(true);
    part.close();
    expect(readFileSync(blobPath(folder, DIGEST), 'utf8')).to.equal('0123456789');
  });

  it('removes a part whose digest is wrong', () => {
    const part = open();
    part.append(Buffer.from('012345678x'));
    expect(part.finish()).to.equal(false);
    part.close();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('takes no part as a beginning that is as long as the blob or longer', () => {
    writeFileSync(partPath(folder, DIGEST), CONTENT);
    expect(bytesOfPart(folder, DIGEST, CONTENT.length)).to.equal(0);
    const part = open();
    expect(part.bytes).to.equal(0);
    part.close();
    expect(statSync(partPath(folder, DIGEST)).size).to.equal(0);
  });

  it('writes through no link that stands in the place of a part', () => {
    writeFileSync(join(folder, 'outside'), 'untouched');
    symlinkSync('outside', partPath(folder, DIGEST));
    expect(open).to.throw(TransientError);
    expect(bytesOfPart(folder, DIGEST, CONTENT.length)).to.equal(0);
    expect(readFileSync(join(folder, 'outside'), 'utf8')).to.equal('untouched');
  });

  it('copies a file only if it is the blob, and leaves nothing when it is not', async () => {
    mkdirSync(join(folder, 'from'));
    writeFileSync(join(folder, 'from', 'right'), CONTENT);
    writeFileSync(join(folder, 'from', 'wrong'), '012345678x');
    expect(await copyBlob(join(folder, 'from', 'wrong'), { folder, digest: DIGEST })).to.equal(false);
    expect(readdirSync(folder)).to.deep.equal(['from']);
    expect(await copyBlob(join(folder, 'from', 'right'), { folder, digest: DIGEST })).to.equal(true);
    expect(readdirSync(folder).sort()).to.deep.equal([DIGEST, 'from'].sort());
  });
});
