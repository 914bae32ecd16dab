import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { BlobStore } from '../../../control-plane/blobs/blob-store.ts';
import { PART_KEPT_MS } from '../../../control-plane/blobs/incoming.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { codeOf } from '../../support/rejection-of.ts';
import { receiveBlob } from '../../support/upload-parcels.ts';

const BLOB = Buffer.from('0123456789');
const UPLOAD = { sha256: sha256(BLOB), size: BLOB.length, offset: 0 };

describe('control-plane/blobs: what is still arriving', () => {
  let folder: string;
  let clock: FakeClock;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-incoming-'));
    clock = new FakeClock(Date.now());
    open();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = () => new BlobStore(folder, clock);
  const parts = () => readdirSync(join(folder, 'incoming')).sort();
  /** A part of `bytes` bytes (it takes no room on the disk), last written to `ageMs` ago. */
  const leave = (name: string, { bytes = 4, ageMs = 0 } = {}): string => {
    const path = join(folder, 'incoming', `${sha256(name)}.part`);
    writeFileSync(path, '');
    truncateSync(path, bytes);
    const writtenAt = (clock.now() - ageMs) / 1000;
    utimesSync(path, writtenAt, writtenAt);
    return `${sha256(name)}.part`;
  };

  it('is given up at the start when nobody has gone on with it for long, and stays resumable before', async () => {
    leave('stale', { ageMs: PART_KEPT_MS });
    const young = leave('young', { ageMs: PART_KEPT_MS - 60_000 });
    const blobs = open();
    expect(parts()).to.deep.equal([young]);
    expect(await receivedBytes(blobs, sha256('young'))).to.equal(4);
  });

  it('is given up when another upload begins, but never while it is being written', async () => {
    const blobs = open();
    leave('forgotten');
    const stalled = Promise.withResolvers<void>();
    const slow = receiveBlob(blobs, UPLOAD, stallingAfter(BLOB.subarray(0, 4), stalled.promise, BLOB.subarray(4)));
    while ((await receivedBytes(blobs, UPLOAD.sha256)) !== 4) await new Promise(setImmediate);
    clock.advance(PART_KEPT_MS + 60_000);
    const other = Buffer.from('another');
    await receiveBlob(blobs, { sha256: sha256(other), size: other.length, offset: 0 }, inPieces(other));
    expect(parts()).to.deep.equal([`${UPLOAD.sha256}.part`]);
    stalled.resolve();
    await slow;
    expect(parts()).to.deep.equal([]);
    expect(await blobs.sizeOf(UPLOAD.sha256)).to.equal(BLOB.length);
  });

  it('is bounded in bytes: an upload beyond that is refused, and nothing is written', async () => {
    const full = leave('full', { bytes: LIMITS.incomingBytes - BLOB.length + 1 });
    const blobs = open();
    expect(await codeOf(receiveBlob(blobs, UPLOAD, inPieces(BLOB)))).to.equal('incoming-full');
    expect(parts()).to.deep.equal([full]);
    leave('full', { bytes: LIMITS.incomingBytes - BLOB.length });
    expect(await codeOf(receiveBlob(blobs, UPLOAD, inPieces(BLOB)))).to.equal('nothing was refused');
  });

  it('counts an upload that is under way with the size that it announced', async () => {
    leave('half', { bytes: LIMITS.incomingBytes - LIMITS.releaseBytes });
    const blobs = open();
    const stalled = Promise.withResolvers<void>();
    const huge = { sha256: sha256('huge'), size: LIMITS.releaseBytes, offset: 0 };
    const slow = codeOf(receiveBlob(blobs, huge, stallingAfter(BLOB, stalled.promise)));
    while (!parts().includes(`${huge.sha256}.part`)) await new Promise(setImmediate);
    expect(await codeOf(receiveBlob(blobs, UPLOAD, inPieces(BLOB)))).to.equal('incoming-full');
    stalled.resolve();
    expect(await slow).to.equal('upload-incomplete');
    expect(await codeOf(receiveBlob(blobs, UPLOAD, inPieces(BLOB)))).to.equal('nothing was refused');
  });

  it('counts the part that an upload goes on with once', async () => {
    const size = LIMITS.releaseBytes;
    const own = leave('own', { bytes: LIMITS.releaseBytes - 1 });
    leave('half', { bytes: LIMITS.incomingBytes - LIMITS.releaseBytes });
    const resumed = receiveBlob(open(), { sha256: sha256('own'), size, offset: 1 }, inPieces(BLOB));
    expect(await codeOf(resumed)).to.equal('upload-offset-mismatch');
    expect(parts()).to.include(own);
  });

  it('is bounded in number', async () => {
    for (let count = 0; count < LIMITS.incomingCount; count += 1) leave(`part ${count}`, { bytes: 1 });
    const blobs = open();
    expect(await codeOf(receiveBlob(blobs, UPLOAD, inPieces(BLOB)))).to.equal('incoming-full');
    expect(parts()).to.have.length(LIMITS.incomingCount);
    rmSync(join(folder, 'incoming', `${sha256('part 0')}.part`));
    expect(await codeOf(receiveBlob(blobs, UPLOAD, inPieces(BLOB)))).to.equal('nothing was refused');
  });

  it('leaves nothing of an upload that brought nothing', async () => {
    expect(await codeOf(receiveBlob(open(), UPLOAD, each(Buffer.alloc(0))))).to.equal('upload-incomplete');
    expect(parts()).to.deep.equal([]);
  });

  it('is removed at the start where it was a folder of small blobs: nobody is going to give them their names', () => {
    mkdirSync(join(folder, 'incoming', 'group-0123456789ab'));
    writeFileSync(join(folder, 'incoming', 'group-0123456789ab', UPLOAD.sha256), 'half of i');
    open();
    expect(parts()).to.deep.equal([]);
  });

  it('takes no part as a beginning that is longer than the blob', async () => {
    leave('too long', { bytes: 50 });
    const upload = { sha256: sha256('too long'), size: 10, offset: 50 };
    expect(await codeOf(receiveBlob(open(), upload, inPieces(BLOB)))).to.equal('upload-offset-mismatch');
    expect(await receivedBytes(open(), upload.sha256)).to.equal(0);
  });
});

async function receivedBytes(blobs: BlobStore, digest: string): Promise<number | undefined> {
  return (await blobs.missing([digest]))[0]?.receivedBytes;
}

/** In two, because a blob that comes as a whole is never a part. */
async function* inPieces(content: Buffer): AsyncGenerator<Buffer> {
  yield content.subarray(0, 3);
  yield content.subarray(3);
}

async function* each(...pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}

async function* stallingAfter(first: Buffer, until: Promise<void>, ...rest: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield first;
  await until;
  yield* rest;
}
