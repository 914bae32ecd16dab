import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { UploadPiece } from '../../../shared/rpc/generated/messages.ts';
import { ControlPlaneWorld } from '../../support/control-plane-world.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';

const BLOB = Buffer.from('0123456789'.repeat(10));
const DIGEST = sha256(BLOB);

const piece = (offset: number, data: Buffer, change: Partial<UploadPiece> = {}): UploadPiece => ({
  sha256: DIGEST,
  size: BLOB.length,
  offset,
  data,
  ...change,
});

/** What is uploaded, and how many bytes stand on disk afterwards: whole, or as a part to be resumed. */
const UPLOADS: Readonly<
  Record<string, { pieces: readonly UploadPiece[]; code: string; whole: boolean; part: number }>
> = {
  'a blob in one piece': { pieces: [piece(0, BLOB)], code: 'nothing was refused', whole: true, part: 0 },
  'a blob in three pieces': {
    pieces: [piece(0, BLOB.subarray(0, 10)), piece(10, BLOB.subarray(10, 50)), piece(50, BLOB.subarray(50))],
    code: 'nothing was refused',
    whole: true,
    part: 0,
  },
  'an empty blob': {
    pieces: [{ sha256: sha256(''), size: 0, offset: 0, data: Buffer.alloc(0) }],
    code: 'nothing was refused',
    whole: false,
    part: 0,
  },
  'bytes with another digest are refused and thrown away': {
    pieces: [piece(0, Buffer.alloc(BLOB.length))],
    code: 'blob-digest-mismatch',
    whole: false,
    part: 0,
  },
  'an upload that ends early is refused, and what arrived is kept': {
    pieces: [piece(0, BLOB.subarray(0, 60))],
    code: 'upload-incomplete',
    whole: false,
    part: 60,
  },
  'an upload that goes on after its end is refused and thrown away': {
    pieces: [piece(0, BLOB), piece(100, Buffer.alloc(1))],
    code: 'upload-too-long',
    whole: false,
    part: 0,
  },
  'an upload that starts in the middle of nothing is refused': {
    pieces: [piece(50, BLOB.subarray(50))],
    code: 'upload-offset-mismatch',
    whole: false,
    part: 0,
  },
  'a gap between two pieces is refused, and what came before is kept': {
    pieces: [piece(0, BLOB.subarray(0, 10)), piece(20, BLOB.subarray(20))],
    code: 'upload-piece-misplaced',
    whole: false,
    part: 10,
  },
  'pieces of two blobs in one upload are refused': {
    pieces: [piece(0, BLOB.subarray(0, 10)), piece(10, BLOB.subarray(10), { sha256: sha256('another') })],
    code: 'upload-piece-misplaced',
    whole: false,
    part: 10,
  },
  'a size that changes on the way is refused': {
    pieces: [piece(0, BLOB.subarray(0, 10)), piece(10, BLOB.subarray(10), { size: 1_000 })],
    code: 'upload-piece-misplaced',
    whole: false,
    part: 10,
  },
  'an upload without a piece is refused': { pieces: [], code: 'upload-empty', whole: false, part: 0 },
  'a digest that is a path is refused': {
    pieces: [piece(0, BLOB, { sha256: '../../../../etc/passwd' })],
    code: 'digest-malformed',
    whole: false,
    part: 0,
  },
  'a blob that announces more than one file may have is refused': {
    pieces: [piece(0, BLOB, { size: LIMITS.fileBytes + 1 })],
    code: 'blob-too-large',
    whole: false,
    part: 0,
  },
};

describe('control-plane/operator/upload-blob', () => {
  let world: ControlPlaneWorld;
  let releaser: OperatorClient;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    releaser = await world.operator('releaser');
  });
  afterEach(() => world.stop());

  const content = () => join(world.controlPlaneFolder, 'content');
  const blobPath = () => join(content(), 'blobs', DIGEST.slice(0, 2), DIGEST);

  it('has a row for each upload', () => {
    expect(Object.keys(UPLOADS)).to.have.length(13);
  });

  for (const [story, { pieces, code, whole, part }] of Object.entries(UPLOADS)) {
    it(story, async () => {
      expect(await codeOf(releaser.uploadBlob(each(pieces)))).to.equal(code);
      expect(existsSync(blobPath())).to.equal(whole);
      const parts = readdirSync(join(content(), 'incoming')).map(
        (name) => statSync(join(content(), 'incoming', name)).size,
      );
      expect(parts).to.deep.equal(part === 0 ? [] : [part]);
    });
  }

  it('resumes where an upload broke off, also after a restart, and says where that is', async () => {
    await codeOf(releaser.uploadBlob(each([piece(0, BLOB.subarray(0, 60))])));
    await world.stopControlPlane();
    await world.startControlPlane();
    const again = await world.operator('releaser', 'second-try');
    expect(await again.missingBlobs({ sha256: [DIGEST] })).to.deep.equal({
      missing: [{ sha256: DIGEST, receivedBytes: 60 }],
    });
    await again.uploadBlob(each([piece(60, BLOB.subarray(60))]));
    expect(readFileSync(blobPath())).to.deep.equal(BLOB);
    expect(await again.missingBlobs({ sha256: [DIGEST] })).to.deep.equal({ missing: [] });
  });

  it('does not believe a part that was changed on disk', async () => {
    await codeOf(releaser.uploadBlob(each([piece(0, Buffer.alloc(60))])));
    expect(await codeOf(releaser.uploadBlob(each([piece(60, BLOB.subarray(60))])))).to.equal('blob-digest-mismatch');
    expect(existsSync(blobPath())).to.equal(false);
  });

  it('takes an endless upload no further than it was announced', async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<UploadPiece> {
      for (let offset = 0; ; offset += 262_144) {
        sent += 1;
        yield piece(offset, Buffer.alloc(262_144), { size: 1024 * 1024 });
      }
    }
    expect(await codeOf(releaser.uploadBlob(endless()))).to.equal('upload-too-long');
    expect(sent).to.be.lessThan(200);
    expect(readdirSync(join(content(), 'incoming'))).to.deep.equal([]);
  });

  it('tells the second of two who upload one blob at once to try again', async () => {
    const first = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<UploadPiece> {
      yield piece(0, BLOB.subarray(0, 10));
      await first.promise;
      yield piece(10, BLOB.subarray(10));
    }
    const upload = releaser.uploadBlob(slow());
    const part = join(content(), 'incoming', `${DIGEST}.part`);
    while (!existsSync(part)) await new Promise(setImmediate);
    expect(await codeOf(releaser.uploadBlob(each([piece(0, BLOB)])))).to.equal('transient');
    first.resolve();
    await upload;
    expect(readFileSync(blobPath())).to.deep.equal(BLOB);
  });

  it('gives back what was uploaded, from any offset', async () => {
    await releaser.uploadBlob(each([piece(0, BLOB)]));
    const pieces = await collected(releaser.fetchBlobs({ wants: [{ sha256: DIGEST, size: BLOB.length, offset: 95 }] }));
    expect(pieces).to.deep.equal([{ sha256: DIGEST, offset: 95, data: BLOB.subarray(95) }]);
    const wrongSize = releaser.fetchBlobs({ wants: [{ sha256: DIGEST, size: 5, offset: 0 }] });
    expect(await codeOf(collected(wrongSize))).to.equal('blob-size-mismatch');
    const unknown = releaser.fetchBlobs({ wants: [{ sha256: sha256('nothing'), size: 5, offset: 0 }] });
    expect(await codeOf(collected(unknown))).to.equal('blob-not-found');
  });

  it('refuses a message over the limit', async () => {
    const huge = piece(0, Buffer.alloc(LIMITS.rpcMessageBytes), { size: LIMITS.rpcMessageBytes });
    expect(await codeOf(releaser.uploadBlob(each([huge])))).to.equal('rpc-resource-exhausted');
    expect(readdirSync(join(content(), 'incoming'))).to.deep.equal([]);
  });
});

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
