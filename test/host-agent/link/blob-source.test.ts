import { expect } from 'chai';

import { linkBlobSource } from '../../../host-agent/link/blob-source.ts';
import { dialGateway, type GatewayClient } from '../../../host-agent/link/gateway-client.ts';
import { sha256 } from '../../../shared/digest.ts';
import { TransientError } from '../../../shared/errors.ts';
import type { BlobPiece } from '../../../shared/rpc/generated/messages.ts';
import { FakeControlPlane } from '../../support/fake-control-plane.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';

const ONE = Buffer.from('the first blob');
const TWO = Buffer.from('the second');
const WANTS = [ONE, TWO].map((bytes) => ({ sha256: sha256(bytes), size: bytes.length }));

const piece = (bytes: Buffer, from: number, to?: number): BlobPiece => ({
  sha256: sha256(bytes),
  offset: from,
  data: bytes.subarray(from, to),
});

/** What a control plane sends for both blobs, and what the reader makes of it. */
const ANSWERS: Readonly<Record<string, { pieces: BlobPiece[]; code: string }>> = {
  'both blobs in pieces, in order, are taken': {
    pieces: [piece(ONE, 0, 4), piece(ONE, 4), piece(TWO, 0)],
    code: 'nothing was refused',
  },
  'the second blob first is refused': { pieces: [piece(TWO, 0), piece(ONE, 0)], code: 'blob-piece-misplaced' },
  'a piece left out is refused': { pieces: [piece(ONE, 0, 4), piece(ONE, 5)], code: 'blob-piece-misplaced' },
  'a piece twice is refused': { pieces: [piece(ONE, 0, 4), piece(ONE, 0, 4)], code: 'blob-piece-misplaced' },
  'a blob that never ends is refused at the byte that is too many': {
    pieces: [{ sha256: sha256(ONE), offset: 0, data: Buffer.alloc(ONE.length + 1) }],
    code: 'blob-piece-misplaced',
  },
  'a blob that nobody asked for is refused': {
    pieces: [piece(ONE, 0), piece(TWO, 0), piece(ONE, 0)],
    code: 'blob-piece-misplaced',
  },
  'an answer that ends early is refused': { pieces: [piece(ONE, 0), piece(TWO, 0, 3)], code: 'blob-incomplete' },
  'no answer at all is refused': { pieces: [], code: 'blob-incomplete' },
};

describe('host-agent/link/blob-source', () => {
  let fake: FakeControlPlane;
  let client: GatewayClient;
  beforeEach(async () => {
    fake = await FakeControlPlane.start();
    client = dialGateway(fake.address, fake.identity.loadTls());
  });
  afterEach(async () => {
    client.close();
    await fake.stop();
  });

  it('has a row for each answer', () => {
    expect(Object.keys(ANSWERS)).to.have.length(8);
  });

  for (const [story, { pieces, code }] of Object.entries(ANSWERS)) {
    it(story, async () => {
      fake.blobs = async function* () {
        yield* pieces;
      };
      expect(await codeOf(collected(linkBlobSource(() => client).fetch(WANTS, options())))).to.equal(code);
    });
  }

  it('asks from the offset that the caller has reached', async () => {
    fake.blobs = async function* (wants) {
      expect(wants).to.deep.equal([{ sha256: sha256(ONE), size: ONE.length, offset: 4 }]);
      yield piece(ONE, 4);
    };
    const got = await collected(linkBlobSource(() => client).fetch([{ ...wantOf(ONE), offset: 4 }], options()));
    expect(Buffer.concat(got.map(({ data }) => data))).to.deep.equal(ONE.subarray(4));
  });

  it('asks nobody when nothing is wanted', async () => {
    const source = linkBlobSource(() => {
      throw new TransientError('not connected');
    });
    expect(await collected(source.fetch([], options()))).to.deep.equal([]);
    expect(await codeOf(collected(source.fetch(WANTS, options())))).to.equal('transient');
  });

  it('moves eight megabytes whole, in pieces below the message limit', async () => {
    const big = Buffer.alloc(8 * 1024 * 1024, 'x');
    fake.blobs = async function* () {
      for (let offset = 0; offset < big.length; offset += 262_144) yield piece(big, offset, offset + 262_144);
    };
    const got = await collected(linkBlobSource(() => client).fetch([wantOf(big)], options()));
    expect(sha256(Buffer.concat(got.map(({ data }) => data)))).to.equal(sha256(big));
  });

  it('lets the sender stop when the reader is aborted', async () => {
    const stopped = Promise.withResolvers<void>();
    fake.blobs = async function* () {
      try {
        for (let offset = 0; ; offset += 1) yield { sha256: sha256(ONE), offset, data: Buffer.alloc(1) };
      } finally {
        stopped.resolve();
      }
    };
    const controller = new AbortController();
    const reading = (async () => {
      const wants = [{ sha256: sha256(ONE), size: 2 ** 40 }];
      for await (const _ of linkBlobSource(() => client).fetch(wants, { signal: controller.signal }))
        controller.abort();
    })();
    expect(await codeOf(reading)).to.equal('transient');
    await stopped.promise;
  });
});

function wantOf(bytes: Buffer): { sha256: string; size: number } {
  return { sha256: sha256(bytes), size: bytes.length };
}

function options(): { signal: AbortSignal } {
  return { signal: new AbortController().signal };
}
