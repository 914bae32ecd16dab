import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { sha256 } from '../../../shared/digest.ts';
import { blobPath, bytesOfPart, keepBlob, openBlobPart, partPath } from '../../../shared/store/blob-file.ts';
import type { PartFile } from '../../../shared/store/part-file.ts';
import { codeOf } from '../../support/rejection-of.ts';

const CONTENT = Buffer.from('0123456789');
const DIGEST = sha256(CONTENT);

describe('shared/store/blob-file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-blob-file-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = () =>
    openBlobPart(folder, { digest: DIGEST, size: CONTENT.length, signal: new AbortController().signal });
  const keep = (part: PartFile) => keepBlob(part, { folder, digest: DIGEST });

  it('gives a blob its name once its digest is right, readable to this user alone', async () => {
    const part = await open();
    await part.append(CONTENT.subarray(0, 4));
    expect(readdirSync(folder)).to.deep.equal([`${DIGEST}.part`]);
    await part.append(CONTENT.subarray(4));
    expect(await keep(part)).to.equal(true);
    await part.close();
    expect(readdirSync(folder)).to.deep.equal([DIGEST]);
    expect(statSync(blobPath(folder, DIGEST)).mode & 0o777).to.equal(0o600);
  });

  it('goes on where an interrupted run stopped', async () => {
    writeFileSync(partPath(folder, DIGEST), CONTENT.subarray(0, 7));
    expect(bytesOfPart(folder, DIGEST, CONTENT.length)).to.equal(7);
    const part = await open();
    expect(part.bytes).to.equal(7);
    await part.append(CONTENT.subarray(7));
    expect(await keep(part)).to.equal(true);
    await part.close();
    expect(readFileSync(blobPath(folder, DIGEST), 'utf8')).to.equal('0123456789');
  });

  it('removes a part whose digest is wrong', async () => {
    const part = await open();
    await part.append(Buffer.from('012345678x'));
    expect(await keep(part)).to.equal(false);
    await part.close();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('takes no part as a beginning that is as long as the blob or longer', async () => {
    writeFileSync(partPath(folder, DIGEST), CONTENT);
    expect(bytesOfPart(folder, DIGEST, CONTENT.length)).to.equal(0);
    const part = await open();
    expect(part.bytes).to.equal(0);
    await part.close();
    expect(statSync(partPath(folder, DIGEST)).size).to.equal(0);
  });

  it('writes through no link that stands in the place of a part', async () => {
    writeFileSync(join(folder, 'outside'), 'untouched');
    symlinkSync('outside', partPath(folder, DIGEST));
    expect(await codeOf(open())).to.equal('transient');
    expect(bytesOfPart(folder, DIGEST, CONTENT.length)).to.equal(0);
    expect(readFileSync(join(folder, 'outside'), 'utf8')).to.equal('untouched');
  });
});
