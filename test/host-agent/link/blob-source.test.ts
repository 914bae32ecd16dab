import { expect } from 'chai';

import { linkBlobSource, type WantedContent } from '../../../host-agent/link/blob-source.ts';
import { dialGateway, type GatewayClient } from '../../../host-agent/link/gateway-client.ts';
import type { ContentPiece } from '../../../host-agent/link/unpack-parcels.ts';
import { sha256 } from '../../../shared/digest.ts';
import { TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { ContentParcel } from '../../../shared/rpc/generated/messages.ts';
import { FakeControlPlane } from '../../support/fake-control-plane.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';

const ONE = Buffer.from('the first blob');
const TWO = Buffer.from('the second');
const WANTS = [ONE, TWO].map(wantOf);

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

  const source = () => linkBlobSource(() => client, fake);

  it('asks for the range that the caller wants, beside the old bytes that he has', async () => {
    const base = { sha256: sha256(TWO), offset: 2, length: 5, read: async () => Buffer.from('e sec') };
    fake.content = async function* (wants) {
      expect(wants).to.deep.equal([
        {
          sha256: sha256(ONE),
          size: ONE.length,
          offset: 4,
          length: 5,
          dictionary: 'base',
          base: { sha256: sha256(TWO), offset: 2, length: 5 },
        },
      ]);
      yield { slices: [{ want: 0, length: 5 }], packed: 'plain', plain: ONE.subarray(4, 9) };
    };
    const got = await collected(source().fetch([{ ...wantOf(ONE), at: { offset: 4, length: 5 }, base }], options()));
    expect(got).to.deep.equal([{ sha256: sha256(ONE), offset: 4, data: ONE.subarray(4, 9) }]);
  });

  it('asks nobody when nothing is wanted', async () => {
    const unconnected = linkBlobSource(() => {
      throw new TransientError('not connected');
    }, fake);
    expect(await collected(unconnected.fetch([], options()))).to.deep.equal([]);
    expect(await codeOf(collected(unconnected.fetch(WANTS, options())))).to.equal('transient');
  });

  it('moves eight megabytes whole, in parcels below the message limit', async () => {
    const big = Buffer.alloc(8 * LIMITS.parcelBytes, 'x');
    fake.content = async function* () {
      for (let offset = 0; offset < big.length; offset += LIMITS.parcelBytes) yield plain(big, offset);
    };
    const got = await collected(source().fetch([wantOf(big)], options()));
    expect(sha256(Buffer.concat(got.map(({ data }) => data)))).to.equal(sha256(big));
  });

  it('tells where a blob is cut, and refuses a list that is not of that blob', async () => {
    fake.chunkList = async () => ({ lengths: [20_000, 5], digests: Buffer.alloc(64, 0xab) });
    const blob = { sha256: sha256(ONE), size: 20_005 };
    const chunks = await source().chunksOf(blob, options());
    expect(chunks.map(({ offset, length }) => [offset, length])).to.deep.equal([
      [0, 20_000],
      [20_000, 5],
    ]);
    expect(await codeOf(source().chunksOf({ ...blob, size: 20_006 }, options()))).to.equal('chunk-list-malformed');
  });

  it('lets go of a control plane that answers with empty parcels for ever, and of the call', async () => {
    const stopped = Promise.withResolvers<void>();
    fake.content = async function* () {
      try {
        yield { slices: [{ want: 0, length: ONE.length }], packed: 'plain', plain: ONE };
        for (;;) yield { slices: [], packed: undefined } as unknown as ContentParcel;
      } finally {
        stopped.resolve();
      }
    };
    const got: ContentPiece[] = [];
    const reading = (async () => {
      for await (const next of source().fetch(WANTS, options())) got.push(next);
    })();
    expect(await codeOf(reading)).to.equal('parcel-malformed');
    await stopped.promise;
    expect(fake.clock.pendingMs()).to.deep.equal([]);
  });

  it('lets go of a control plane that answers with nothing, once it has been silent for too long', async () => {
    const stopped = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    // biome-ignore lint/correctness/useYield: it is silent
    fake.content = async function* () {
      asked.resolve();
      await stopped.promise;
    };
    const reading = codeOf(collected(source().fetch(WANTS, options())));
    await asked.promise;
    fake.clock.advance(LIMITS.streamIdleMs);
    expect(await reading).to.equal('transient');
    stopped.resolve();
  });

  it('lets the sender stop when the reader is aborted', async () => {
    const stopped = Promise.withResolvers<void>();
    fake.content = async function* () {
      try {
        for (;;) yield { slices: [{ want: 0, length: 1 }], packed: 'plain', plain: Buffer.alloc(1) };
      } finally {
        stopped.resolve();
      }
    };
    const controller = new AbortController();
    const reading = (async () => {
      const wants = [{ sha256: sha256(ONE), size: 2 ** 40, at: { offset: 0, length: 2 ** 40 } }];
      for await (const _ of source().fetch(wants, { signal: controller.signal })) controller.abort();
    })();
    expect(await codeOf(reading)).to.equal('transient');
    await stopped.promise;
  });
});

function plain(blob: Buffer, offset: number): ContentParcel {
  const data = blob.subarray(offset, offset + LIMITS.parcelBytes);
  return { slices: [{ want: 0, length: data.length }], packed: 'plain', plain: data };
}

function wantOf(bytes: Buffer): WantedContent {
  return { sha256: sha256(bytes), size: bytes.length, at: { offset: 0, length: bytes.length } };
}

function options(): { signal: AbortSignal } {
  return { signal: new AbortController().signal };
}
