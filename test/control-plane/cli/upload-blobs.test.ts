/** Uploads that are disturbed: by another who brings the same blob, by a connection that breaks, by a wish for strange blobs. */
import { expect } from 'chai';
import { type Upload, uploadBlobs } from '../../../control-plane/cli/upload-blobs.ts';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { Ktr } from '../../../shared/release/ktr.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';

const CONTENTS = ['', 'one', 'x'.repeat(LIMITS.blobChunkBytes + 3)].map((text) => Buffer.from(text));
const TOTAL = CONTENTS.reduce((sum, { length }) => sum + length, 0);

/** A control plane in memory that fails an upload when it is told to. */
class Receiver {
  readonly parts = new Map<string, Buffer>();
  readonly whole = new Set<string>();
  readonly progress: number[] = [];
  calls = 0;
  /** Asked before each upload; an error breaks it off after its first piece. */
  readonly disturb: (call: number, receiver: Receiver) => Error | undefined;

  constructor(disturb: Receiver['disturb'] = () => undefined) {
    this.disturb = disturb;
  }

  readonly ktr = {
    path: 'memory.ktr',
    blobs: new Map(CONTENTS.map((content) => [sha256(content), { size: content.length, open: () => pieces(content) }])),
  } as unknown as Ktr;

  async upload() {
    const digests = CONTENTS.map((content) => sha256(content));
    return uploadBlobs(digests, {
      ktr: this.ktr,
      onProgress: ({ doneBytes, totalBytes }) => this.progress.push(doneBytes / totalBytes),
      client: {
        missingBlobs: async ({ sha256: asked }) => ({
          missing: asked
            .filter((digest) => !this.whole.has(digest))
            .map((digest) => ({ sha256: digest, receivedBytes: this.parts.get(digest)?.length ?? 0 })),
        }),
        uploadBlob: (sent) => this.#receive(sent),
      },
    });
  }

  async #receive(sent: Parameters<Upload['client']['uploadBlob']>[0]) {
    this.calls += 1;
    const error = this.disturb(this.calls, this);
    let digest = '';
    for await (const { sha256: name, size, offset, data } of sent) {
      digest = name;
      const before = this.parts.get(name) ?? Buffer.alloc(0);
      expect(offset).to.equal(before.length);
      this.parts.set(name, Buffer.concat([before, data]));
      if (error) throw error;
      if (offset + data.length === size) this.whole.add(name);
    }
    return { sha256: digest };
  }
}

async function* pieces(content: Buffer): AsyncGenerator<Uint8Array> {
  if (content.length > 0) yield content;
}

const expectWhole = ({ parts }: Receiver) =>
  expect([...parts.values()].map((bytes) => sha256(bytes))).to.have.members(CONTENTS.map((content) => sha256(content)));

describe('uploading the blobs of a bundle', function () {
  this.timeout(20_000);

  it('brings all of them, an empty one too, in pieces that a message can hold', async () => {
    const receiver = new Receiver();
    expect(await receiver.upload()).to.deep.equal({ blobs: 3, bytes: TOTAL });
    expectWhole(receiver);
    expect(receiver.progress.at(-1)).to.equal(1);
    const [large] = await collected(pieces(CONTENTS[2] as Buffer));
    expect(large?.length).to.be.above(LIMITS.blobChunkBytes);
  });

  it('goes on where a connection broke, with the other blobs first', async () => {
    const receiver = new Receiver((call) => (call === 3 ? new TransientError('broken') : undefined));
    expect(await receiver.upload()).to.deep.equal({ blobs: 3, bytes: 3 + 3 });
    expect(receiver.calls).to.equal(4);
    expectWhole(receiver);
  });

  it('asks again when another has brought a part meanwhile, and sends the rest', async () => {
    const receiver = new Receiver((call) =>
      call === 1 ? new RejectedError('upload-offset-mismatch', 'the upload begins at 0, expected 1') : undefined,
    );
    expect((await receiver.upload()).blobs).to.equal(3);
    expect(receiver.calls).to.equal(4);
    expectWhole(receiver);
  });

  it('does not repeat what was refused', async () => {
    const receiver = new Receiver(() => new RejectedError('blob-digest-mismatch', 'its bytes are others'));
    expect(await codeOf(receiver.upload())).to.equal('blob-digest-mismatch');
    expect(receiver.calls).to.equal(1);
  });

  it('brings nothing that the bundle does not have', async () => {
    const receiver = new Receiver();
    const strange = uploadBlobs(['f'.repeat(64)], {
      ktr: receiver.ktr,
      onProgress: () => {},
      client: {
        missingBlobs: async () => ({ missing: [{ sha256: 'f'.repeat(64), receivedBytes: 0 }] }),
        uploadBlob: async () => {
          throw new Error('nothing may be sent');
        },
      },
    });
    expect(await codeOf(strange)).to.equal('blob-unasked');
  });
});
