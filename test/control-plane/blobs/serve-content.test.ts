import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { BlobStore } from '../../../control-plane/blobs/blob-store.ts';
import { ChunkLists } from '../../../control-plane/blobs/chunk-lists.ts';
import { serveContent } from '../../../control-plane/blobs/serve-content.ts';
import { type DueContent, unpackParcels } from '../../../host-agent/link/unpack-parcels.ts';
import { sha256 } from '../../../shared/digest.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { unpackChunks } from '../../../shared/release/content/chunk-list.ts';
import type { ContentParcel, ContentWant } from '../../../shared/rpc/generated/messages.ts';
import { endDiskThreads } from '../../../shared/store/disk-threads/disk-threads.ts';
import { systemClock } from '../../../shared/time/clock.ts';
import { noise } from '../../support/noise.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';
import { receiveBlob } from '../../support/upload-parcels.ts';

const TEXT = Buffer.from('a line of text that repeats, and repeats\n'.repeat(5_000));
const NOISE = noise('content', 3_000_000);

describe('content in parcels', () => {
  let folder: string;
  let blobs: BlobStore;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-content-'));
    blobs = new BlobStore(folder, systemClock);
    for (const content of [TEXT, NOISE, ...small()]) await store(content);
  });

  after(async () => {
    await endDiskThreads();
    await rm(folder, { recursive: true, force: true });
  });

  it('comes back byte for byte, in the order of the wants, whatever the sizes', async () => {
    const contents = [...small(), NOISE, TEXT, ...small().slice(0, 3)];
    expect(await received(contents.map((content) => whole(content)))).to.deep.equal(contents);
  });

  it('packs small files together, and text to a fraction of its size', async () => {
    const parcels = await collected(
      serveContent(
        blobs,
        small().map((content) => whole(content)),
      ),
    );
    expect(parcels).to.have.length(1);
    expect(parcels[0]?.slices).to.have.length(small().length);
    const [text] = await collected(serveContent(blobs, [whole(TEXT)]));
    expect(text?.packed).to.equal('zstd');
    expect(bytesOf([text])).to.be.below(TEXT.length / 50);
  });

  it('stops trying to compress what does not shrink', async () => {
    const parcels = await collected(serveContent(blobs, [whole(NOISE)]));
    expect(parcels.map(({ packed }) => packed)).to.deep.equal(['plain', 'plain', 'plain']);
    expect(bytesOf(parcels)).to.equal(NOISE.length);
  });

  it('sends little more than the change to a host that has the old bytes', async () => {
    const old = noise('delta', 200_000);
    const changed = Buffer.concat([old.subarray(0, 90_000), Buffer.from('an inserted line'), old.subarray(90_000)]);
    await store(old);
    await store(changed);
    const want = beside(changed, { sha256: sha256(old), offset: 0, length: old.length });
    const parcels = await collected(serveContent(blobs, [want]));
    expect(parcels.map(({ packed }) => packed)).to.deep.equal(['zstdAgainstBases']);
    expect(bytesOf(parcels)).to.be.below(1_000);
    expect(await received([want], () => old)).to.deep.equal([changed]);
  });

  const uselessBases = [
    { name: 'is not here', base: { sha256: 'f'.repeat(64), offset: 0, length: 10 } },
    { name: 'ends behind its blob', base: { sha256: sha256(TEXT), offset: TEXT.length - 5, length: 10 } },
    { name: 'is longer than a dictionary', base: { sha256: sha256(NOISE), offset: 0, length: 2_000_000 } },
    { name: 'is empty', base: { sha256: sha256(NOISE), offset: 0, length: 0 } },
  ];
  for (const { name, base } of uselessBases) {
    it(`comes without a dictionary when the base ${name}`, async () => {
      const parcels = await collected(serveContent(blobs, [beside(TEXT, base)]));
      expect(parcels.map(({ packed }) => packed)).to.deep.equal(['zstd']);
    });
  }

  it('takes no base for more bytes than a delta has', async () => {
    const base = { sha256: sha256(TEXT), offset: 0, length: 1000 };
    const parcels = await collected(serveContent(blobs, [beside(NOISE, base)]));
    expect(parcels.some(({ packed }) => packed === 'zstdAgainstBases')).to.equal(false);
  });

  it('gives any range of a blob', async () => {
    const ranges = [
      { offset: 0, length: 1 },
      { offset: 17, length: 1_500_000 },
      { offset: NOISE.length - 1, length: 0 },
    ];
    const parts = await received(ranges.map((range) => ({ ...whole(NOISE), ...range })));
    expect(parts).to.deep.equal([NOISE.subarray(0, 1), NOISE.subarray(17, 1_500_017), NOISE.subarray(-1)]);
  });

  const refused = [
    { name: 'a blob that is not here', want: { ...whole(TEXT), sha256: '0'.repeat(64) }, code: 'blob-not-found' },
    { name: 'a blob of another size', want: { ...whole(TEXT), size: 7 }, code: 'blob-size-mismatch' },
    {
      name: 'a range behind the end',
      want: { ...whole(TEXT), offset: 5, length: TEXT.length },
      code: 'content-range-invalid',
    },
    { name: 'nothing of a blob', want: { ...whole(TEXT), offset: TEXT.length }, code: 'content-range-invalid' },
    { name: 'what is no digest', want: { ...whole(TEXT), sha256: '../../x' }, code: 'digest-malformed' },
  ];
  for (const { name, want, code } of refused) {
    it(`refuses ${name}`, async () => {
      expect(await codeOf(collected(serveContent(blobs, [want])))).to.equal(code);
    });
  }

  it('refuses more wants than a request may have', async () => {
    const want = whole(TEXT);
    const wants = Array.from({ length: LIMITS.blobsPerRequestCount + 1 }, () => want);
    expect(await codeOf(collected(serveContent(blobs, wants)))).to.equal('too-many-blobs');
  });

  it('tells the chunks of a large blob, and refuses to cut a small one or one that is not here', async () => {
    const lists = new ChunkLists(blobs);
    const chunks = unpackChunks(await lists.of(sha256(NOISE)), NOISE.length);
    for (const { offset, length, sha256: digest } of chunks) {
      expect(digest).to.equal(sha256(NOISE.subarray(offset, offset + length)));
    }
    expect(await codeOf(lists.of(sha256(TEXT)))).to.equal('blob-not-chunked');
    expect(await codeOf(lists.of('0'.repeat(64)))).to.equal('blob-not-found');
  });

  async function store(content: Buffer): Promise<void> {
    async function* once() {
      yield content;
    }
    await receiveBlob(blobs, { sha256: sha256(content), size: content.length, offset: 0 }, once());
  }

  async function received(wants: readonly ContentWant[], base: (want: ContentWant) => Buffer = () => Buffer.alloc(0)) {
    const due = wants.map((want): DueContent => {
      const offered = want.dictionary === 'base' ? want.base : undefined;
      const length = want.length || want.size - want.offset;
      const readBase = async () =>
        base(want).subarray(offered?.offset, (offered?.offset ?? 0) + (offered?.length ?? 0));
      return {
        sha256: want.sha256,
        offset: want.offset,
        length,
        base: offered && { length: offered.length, read: readBase },
      };
    });
    const parts: Buffer[][] = wants.map(() => []);
    let at = 0;
    let bytes = 0;
    for await (const { data } of unpackParcels(due, serveContent(blobs, wants))) {
      parts[at]?.push(data);
      bytes += data.length;
      if (bytes < (due[at]?.length ?? 0)) continue;
      at += 1;
      bytes = 0;
    }
    return parts.map((pieces) => Buffer.concat(pieces));
  }
});

function small(): Buffer[] {
  return Array.from({ length: 40 }, (_, index) =>
    Buffer.from(`file ${index} of a tree of small files\n`.repeat(index + 1)),
  );
}

function whole(content: Buffer): ContentWant {
  return { sha256: sha256(content), size: content.length, offset: 0, length: 0 };
}

function beside(content: Buffer, base: { sha256: string; offset: number; length: number }): ContentWant {
  return { ...whole(content), dictionary: 'base', base };
}

function bytesOf(parcels: readonly (ContentParcel | undefined)[]): number {
  return parcels.reduce((sum, parcel) => {
    if (parcel?.packed === 'plain') return sum + parcel.plain.length;
    if (parcel?.packed === 'zstd') return sum + parcel.zstd.length;
    return sum + (parcel?.packed === 'zstdAgainstBases' ? parcel.zstdAgainstBases.length : 0);
  }, 0);
}
