import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { UPLOAD_SILENCE_MS } from '../../../control-plane/operator/upload-blobs.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { UploadParcel } from '../../../shared/rpc/generated/messages.ts';
import { ControlPlaneWorld } from '../../support/control-plane-world.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';
import { parcelOf, parcelsOf, type TestPiece, wholeBlob } from '../../support/upload-parcels.ts';

const BLOB = Buffer.from('0123456789'.repeat(10));
const DIGEST = sha256(BLOB);
const [ONE, TWO] = [Buffer.from('one'), Buffer.from('two')];

const piece = (offset: number, data: Buffer, change: Partial<TestPiece> = {}): TestPiece => ({
  sha256: DIGEST,
  size: BLOB.length,
  offset,
  data,
  ...change,
});

/** What is uploaded, and how many bytes stand on disk afterwards: whole, or as a part to be resumed. */
const UPLOADS: Readonly<Record<string, { pieces: readonly TestPiece[]; code: string; whole: boolean; part: number }>> =
  {
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
    'a piece that goes on after the end of its blob is refused, and all of it is thrown away': {
      pieces: [piece(0, BLOB.subarray(0, 60)), piece(60, BLOB)],
      code: 'upload-too-long',
      whole: false,
      part: 0,
    },
    'a whole blob with more bytes than it announces is refused and thrown away': {
      pieces: [piece(0, BLOB, { size: 10 })],
      code: 'upload-too-long',
      whole: false,
      part: 0,
    },
    'a blob that came as a whole does not go on, and stays': {
      pieces: [piece(0, BLOB), piece(100, Buffer.alloc(1))],
      code: 'upload-offset-mismatch',
      whole: true,
      part: 0,
    },
    'bytes with another digest are refused when they come in pieces, too, and thrown away': {
      pieces: [piece(0, BLOB.subarray(0, 60)), piece(60, Buffer.alloc(40))],
      code: 'blob-digest-mismatch',
      whole: false,
      part: 0,
    },
    'a blob of another digest leaves what came before it': {
      pieces: [piece(0, BLOB), piece(0, Buffer.from('other bytes'), { sha256: sha256('these'), size: 11 })],
      code: 'blob-digest-mismatch',
      whole: true,
      part: 0,
    },
    'a blob in pieces between two whole ones': {
      pieces: [wholeBlob(ONE), piece(0, BLOB.subarray(0, 60)), piece(60, BLOB.subarray(60)), wholeBlob(TWO)],
      code: 'nothing was refused',
      whole: true,
      part: 0,
    },
    'a whole blob while another has not come to its end is refused, and what came of that one is kept': {
      pieces: [piece(0, BLOB.subarray(0, 60)), wholeBlob(ONE)],
      code: 'upload-piece-misplaced',
      whole: false,
      part: 60,
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
    'nothing at all': { pieces: [], code: 'nothing was refused', whole: false, part: 0 },
    'a digest that is a path is refused': {
      pieces: [piece(0, BLOB, { sha256: '../../../../etc/passwd' })],
      code: 'digest-malformed',
      whole: false,
      part: 0,
    },
    'a blob that announces more than a whole release may have is refused': {
      pieces: [piece(0, BLOB, { size: LIMITS.releaseBytes + 1 })],
      code: 'blob-too-large',
      whole: false,
      part: 0,
    },
  };

describe('control-plane/operator/upload-blobs', () => {
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
    expect(Object.keys(UPLOADS)).to.have.length(19);
  });

  for (const [story, { pieces, code, whole, part }] of Object.entries(UPLOADS)) {
    it(story, async () => {
      expect(await codeOf(releaser.uploadBlobs(parcelsOf(pieces)))).to.equal(code);
      expect(existsSync(blobPath())).to.equal(whole);
      const parts = readdirSync(join(content(), 'incoming')).map(
        (name) => statSync(join(content(), 'incoming', name)).size,
      );
      expect(parts).to.deep.equal(part === 0 ? [] : [part]);
    });
  }

  it('resumes where an upload broke off, also after a restart, and says where that is', async () => {
    await codeOf(releaser.uploadBlobs(parcelsOf([piece(0, BLOB.subarray(0, 60))])));
    await world.stopControlPlane();
    await world.startControlPlane();
    const again = await world.operator('releaser', 'second-try');
    expect(await again.missingBlobs({ sha256: [DIGEST] })).to.deep.equal({
      missing: [{ sha256: DIGEST, receivedBytes: 60, isArriving: false }],
    });
    await again.uploadBlobs(parcelsOf([piece(60, BLOB.subarray(60))]));
    expect(readFileSync(blobPath())).to.deep.equal(BLOB);
    expect(await again.missingBlobs({ sha256: [DIGEST] })).to.deep.equal({ missing: [] });
  });

  it('does not believe a part that was changed on disk', async () => {
    await codeOf(releaser.uploadBlobs(parcelsOf([piece(0, Buffer.alloc(60))])));
    expect(await codeOf(releaser.uploadBlobs(parcelsOf([piece(60, BLOB.subarray(60))])))).to.equal(
      'blob-digest-mismatch',
    );
    expect(existsSync(blobPath())).to.equal(false);
  });

  it('takes an endless upload no further than it was announced', async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<UploadParcel> {
      for (let offset = 0; ; offset += 262_144) {
        sent += 1;
        yield parcelOf(piece(offset, Buffer.alloc(262_144), { size: 1_000_000 }));
      }
    }
    expect(await codeOf(releaser.uploadBlobs(endless()))).to.equal('upload-too-long');
    expect(sent).to.be.lessThan(200);
    expect(readdirSync(join(content(), 'incoming'))).to.deep.equal([]);
  });

  it('tells the second of two who upload one blob at once to try again', async () => {
    const first = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<UploadParcel> {
      yield parcelOf(piece(0, BLOB.subarray(0, 10)));
      await first.promise;
      yield parcelOf(piece(10, BLOB.subarray(10)));
    }
    const upload = releaser.uploadBlobs(slow());
    const part = join(content(), 'incoming', `${DIGEST}.part`);
    while (statSync(part, { throwIfNoEntry: false })?.size !== 10) await new Promise(setImmediate);
    expect(await releaser.missingBlobs({ sha256: [DIGEST] })).to.deep.equal({
      missing: [{ sha256: DIGEST, receivedBytes: 10, isArriving: true }],
    });
    expect(await codeOf(releaser.uploadBlobs(parcelsOf([piece(10, BLOB.subarray(10, 20))])))).to.equal('transient');
    first.resolve();
    await upload;
    expect(readFileSync(blobPath())).to.deep.equal(BLOB);
  });

  it('ends an upload that has gone quiet, keeps what arrived, and lets another one go on', async () => {
    const never = Promise.withResolvers<void>();
    async function* quiet(): AsyncGenerator<UploadParcel> {
      yield parcelOf(piece(0, BLOB.subarray(0, 10)));
      await never.promise;
    }
    const upload = codeOf(releaser.uploadBlobs(quiet()));
    const received = async () => (await releaser.missingBlobs({ sha256: [DIGEST] })).missing[0]?.receivedBytes;
    while ((await received()) !== 10) await new Promise(setImmediate);
    world.clock.advance(UPLOAD_SILENCE_MS);
    expect(await upload).to.equal('transient');
    never.resolve();
    await releaser.uploadBlobs(parcelsOf([piece(10, BLOB.subarray(10))]));
    expect(readFileSync(blobPath())).to.deep.equal(BLOB);
  });

  it('gives back what was uploaded, from any offset', async () => {
    await releaser.uploadBlobs(parcelsOf([piece(0, BLOB)]));
    const pieces = await collected(releaser.fetchBlobs({ wants: [{ sha256: DIGEST, size: BLOB.length, offset: 95 }] }));
    expect(pieces).to.deep.equal([{ sha256: DIGEST, offset: 95, data: BLOB.subarray(95) }]);
    const wrongSize = releaser.fetchBlobs({ wants: [{ sha256: DIGEST, size: 5, offset: 0 }] });
    expect(await codeOf(collected(wrongSize))).to.equal('blob-size-mismatch');
    const unknown = releaser.fetchBlobs({ wants: [{ sha256: sha256('nothing'), size: 5, offset: 0 }] });
    expect(await codeOf(collected(unknown))).to.equal('blob-not-found');
  });

  it('keeps a thousand small blobs that came many to a message, each under its digest', async () => {
    const blobs = Array.from({ length: 1_000 }, (_, index) => Buffer.from(`small blob ${index}`));
    const halves = [blobs.slice(0, 700), blobs.slice(700)].map((half) => parcelOf(...half.map(wholeBlob)));
    expect(await releaser.uploadBlobs(each(halves))).to.deep.equal({ blobCount: 1_000 });
    const digests = blobs.map((blob) => sha256(blob));
    expect(await releaser.missingBlobs({ sha256: digests })).to.deep.equal({ missing: [] });
    for (const digest of digests)
      expect(sha256(readFileSync(join(content(), 'blobs', digest.slice(0, 2), digest)))).to.equal(digest);
    expect(readdirSync(join(content(), 'incoming'))).to.deep.equal([]);
  });

  it('keeps small blobs that two people bring at once', async () => {
    const blobs = Array.from({ length: 300 }, (_, index) => Buffer.from(`shared blob ${index}`));
    const both = ['one', 'two'].map(async (name) =>
      (await world.operator('releaser', name)).uploadBlobs(parcelsOf(blobs.map(wholeBlob))),
    );
    expect(await Promise.all(both)).to.deep.equal([{ blobCount: 300 }, { blobCount: 300 }]);
    expect(await releaser.missingBlobs({ sha256: blobs.map((blob) => sha256(blob)) })).to.deep.equal({ missing: [] });
    expect(readdirSync(join(content(), 'incoming'))).to.deep.equal([]);
  });

  it('refuses a message whose slices have more or fewer bytes than it has, and keeps nothing of it', async () => {
    for (const change of [-1, 1]) {
      const parcel = parcelOf(wholeBlob(ONE), piece(0, BLOB));
      const slices = parcel.slices.map((slice) => ({ ...slice, length: slice.length + change }));
      expect(await codeOf(releaser.uploadBlobs(each([{ ...parcel, slices }])))).to.equal('upload-parcel-malformed');
    }
    expect(readdirSync(join(content(), 'blobs'))).to.deep.equal([]);
    expect(readdirSync(join(content(), 'incoming'))).to.deep.equal([]);
  });

  it('refuses pieces of a blob that is here already, and takes it once more as a whole', async () => {
    await releaser.uploadBlobs(parcelsOf([piece(0, BLOB)]));
    expect(await codeOf(releaser.uploadBlobs(parcelsOf([piece(0, BLOB.subarray(0, 10))])))).to.equal('blob-present');
    expect(await releaser.uploadBlobs(parcelsOf([piece(0, BLOB)]))).to.deep.equal({ blobCount: 1 });
    expect(readdirSync(join(content(), 'incoming'))).to.deep.equal([]);
  });

  it('refuses a message over the limit', async () => {
    const huge = piece(0, Buffer.alloc(LIMITS.rpcMessageBytes), { size: LIMITS.rpcMessageBytes });
    expect(await codeOf(releaser.uploadBlobs(parcelsOf([huge])))).to.equal('rpc-resource-exhausted');
    expect(readdirSync(join(content(), 'incoming'))).to.deep.equal([]);
  });
});

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
