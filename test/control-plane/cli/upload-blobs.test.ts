/** Uploads that are disturbed: by another who brings the same blob, by a connection that breaks, by a wish for strange blobs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { uploadBlobs } from '../../../control-plane/cli/upload-blobs.ts';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { type Ktr, openKtr } from '../../../shared/release/ktr.ts';
import type { MissingBlob, UploadParcel } from '../../../shared/rpc/generated/messages.ts';
import { writeKtr } from '../../support/ktr-file.ts';
import { codeOf } from '../../support/rejection-of.ts';

const LARGE = Buffer.alloc(3 * LIMITS.blobChunkBytes + 3, 'large');
const CONTENTS = [Buffer.alloc(0), Buffer.from('one'), Buffer.from('two'), LARGE];
const TOTAL = CONTENTS.reduce((sum, { length }) => sum + length, 0);
const DIGESTS = CONTENTS.map((content) => sha256(content));
const LARGE_DIGEST = sha256(LARGE);

/** A control plane in memory, which is disturbed when it is told to. */
class Receiver {
  readonly parts = new Map<string, Buffer>();
  /** What somebody else is bringing. */
  readonly arriving = new Set<string>();
  readonly progress: number[] = [];
  readonly ktr: Ktr;
  calls = 0;
  messages = 0;
  /** Asked before each message; what it throws breaks the call off. */
  disturb: (receiver: Receiver, parcel: UploadParcel) => void = () => undefined;
  onAsked: (receiver: Receiver) => void = () => undefined;

  constructor(ktr: Ktr) {
    this.ktr = ktr;
  }

  async upload() {
    return uploadBlobs(DIGESTS, {
      ktr: this.ktr,
      onProgress: ({ doneBytes, totalBytes }) => this.progress.push(doneBytes / totalBytes),
      client: {
        missingBlobs: async ({ sha256: asked }) => this.#missing(asked),
        uploadBlobs: (parcels) => this.#receive(parcels),
      },
    });
  }

  #missing(asked: readonly string[]): { missing: MissingBlob[] } {
    this.onAsked(this);
    const lacking = asked.filter((digest) => this.parts.get(digest)?.length !== this.ktr.blobs.get(digest)?.size);
    return {
      missing: lacking.map((digest) => ({
        sha256: digest,
        receivedBytes: this.parts.get(digest)?.length ?? 0,
        isArriving: this.arriving.has(digest),
      })),
    };
  }

  async #receive(parcels: AsyncIterable<UploadParcel>) {
    this.calls += 1;
    for await (const parcel of parcels) {
      this.messages += 1;
      this.disturb(this, parcel);
      let at = 0;
      for (const { sha256: digest, offset, length } of parcel.slices) {
        const before = this.parts.get(digest) ?? Buffer.alloc(0);
        expect(offset).to.equal(before.length);
        this.parts.set(digest, Buffer.concat([before, parcel.data.subarray(at, at + length)]));
        at += length;
      }
      expect(at).to.equal(parcel.data.length);
    }
    return { blobCount: 0 };
  }

  expectWhole(): void {
    expect([...this.parts].map(([digest, bytes]) => [digest, sha256(bytes)])).to.have.deep.members(
      DIGESTS.map((digest) => [digest, digest]),
    );
  }
}

describe('uploading the blobs of a bundle', function () {
  this.timeout(20_000);
  let folder: string;
  let receiver: Receiver;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-upload-'));
    receiver = new Receiver(await openKtr(await writeKtr(join(folder, 'a.ktr'), CONTENTS)));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('brings all of them in one call, an empty one too, the small ones together', async () => {
    const sizes: number[] = [];
    receiver.disturb = (_, { data }) => sizes.push(data.length);
    expect(await receiver.upload()).to.deep.equal({ blobs: 4, bytes: TOTAL });
    receiver.expectWhole();
    expect(receiver.progress.at(-1)).to.equal(1);
    expect(receiver.calls).to.equal(1);
    expect(Math.max(...sizes)).to.be.at.most(LIMITS.blobChunkBytes);
    expect(receiver.messages).to.be.at.most(6);
  });

  it('asks for nothing to be taken when nothing is missing', async () => {
    await receiver.upload();
    expect(await receiver.upload()).to.deep.equal({ blobs: 0, bytes: 0 });
    expect(receiver.calls).to.equal(1);
  });

  it('goes on in the middle of a blob where a connection broke', async () => {
    const offsets: number[] = [];
    receiver.disturb = ({ calls }, { slices }) => {
      const large = slices.find(({ sha256: digest }) => digest === LARGE_DIGEST);
      if (large) offsets.push(large.offset);
      if (calls === 1 && offsets.length === 3) throw new TransientError('broken');
    };
    expect((await receiver.upload()).blobs).to.equal(4);
    expect(receiver.calls).to.equal(2);
    const chunk = LIMITS.blobChunkBytes;
    expect(offsets).to.deep.equal([0, chunk, 2 * chunk, 2 * chunk, 3 * chunk]);
    receiver.expectWhole();
  });

  for (const code of ['upload-offset-mismatch', 'blob-present'] as const) {
    it(`asks again when another has brought a part meanwhile (${code}), and sends the rest`, async () => {
      receiver.disturb = ({ calls, messages }) => {
        if (calls === 1 && messages === 2) throw new RejectedError(code, 'another was quicker');
      };
      await receiver.upload();
      expect(receiver.calls).to.equal(2);
      receiver.expectWhole();
    });
  }

  it('leaves a blob to whoever is bringing it, brings the others, and waits as long as that goes on', async () => {
    receiver.arriving.add(LARGE_DIGEST);
    let asked = 0;
    receiver.onAsked = ({ parts, arriving }) => {
      asked += 1;
      if (asked < 12) parts.set(LARGE_DIGEST, LARGE.subarray(0, asked));
      else parts.set(LARGE_DIGEST, LARGE);
      if (asked === 12) arriving.clear();
    };
    const receipt = await receiver.upload();
    expect(receipt).to.deep.equal({ blobs: 3, bytes: 6 });
    expect(asked).to.equal(12);
    receiver.expectWhole();
  });

  it('takes over what another has given up', async () => {
    receiver.arriving.add(LARGE_DIGEST);
    receiver.parts.set(LARGE_DIGEST, LARGE.subarray(0, 1000));
    let asked = 0;
    receiver.onAsked = ({ arriving }) => {
      asked += 1;
      if (asked === 2) arriving.clear();
    };
    expect(await receiver.upload()).to.deep.equal({ blobs: 4, bytes: TOTAL - 1000 });
    receiver.expectWhole();
  });

  it('does not repeat what was refused', async () => {
    receiver.disturb = () => {
      throw new RejectedError('blob-digest-mismatch', 'its bytes are others');
    };
    expect(await codeOf(receiver.upload())).to.equal('blob-digest-mismatch');
    expect(receiver.calls).to.equal(1);
  });

  it('brings nothing that the bundle does not have', async () => {
    const strange = uploadBlobs(['f'.repeat(64)], {
      ktr: receiver.ktr,
      onProgress: () => {},
      client: {
        missingBlobs: async () => ({
          missing: [{ sha256: 'f'.repeat(64), receivedBytes: 0, isArriving: false }],
        }),
        uploadBlobs: async () => {
          throw new Error('nothing may be sent');
        },
      },
    });
    expect(await codeOf(strange)).to.equal('blob-unasked');
  });
});
