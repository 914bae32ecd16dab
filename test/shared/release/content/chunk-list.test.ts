import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { ChunkCutter, packChunks, unpackChunks } from '../../../../shared/release/content/chunk-list.ts';
import { CHUNK_LEAST_BYTES, CHUNK_MOST_BYTES } from '../../../../shared/release/content/chunker.ts';
import { codeOf } from '../../../support/errors-of.ts';
import { noise } from '../../../support/noise.ts';

describe('chunk lists', () => {
  it('cut the same bytes alike, in whatever pieces they come', () => {
    const content = noise('pieces', 1_500_000);
    const whole = chunksOf([content]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        expect(chunksOf(pieces(content, sizes))).to.deep.equal(whole);
      }),
      { numRuns: 25 },
    );
  });

  it('cover every byte once, each chunk within its bounds and under its own digest', () => {
    const content = noise('cover', 3_000_000);
    const chunks = chunksOf([content]);
    expect(chunks.length).to.be.greaterThan(20);
    let end = 0;
    for (const { offset, length, sha256 } of chunks) {
      expect(offset).to.equal(end);
      expect(length).to.be.at.most(CHUNK_MOST_BYTES);
      if (offset + length < content.length) expect(length).to.be.greaterThan(CHUNK_LEAST_BYTES);
      expect(sha256).to.equal(
        createHash('sha256')
          .update(content.subarray(offset, offset + length))
          .digest('hex'),
      );
      end = offset + length;
    }
    expect(end).to.equal(content.length);
  });

  it('keep all cuts but those beside an insertion', () => {
    const content = noise('insertion', 4_000_000);
    const middle = 1_700_000;
    const changed = Buffer.concat([content.subarray(0, middle), Buffer.from('new'), content.subarray(middle)]);
    const before = new Set(chunksOf([content]).map(({ sha256 }) => sha256));
    const fresh = chunksOf([changed]).filter(({ sha256 }) => !before.has(sha256));
    expect(fresh.length).to.be.within(1, 3);
  });

  it('end a run of one value at the greatest size', () => {
    const chunks = chunksOf([Buffer.alloc(3 * CHUNK_MOST_BYTES + 5)]);
    expect(chunks.map(({ length }) => length)).to.deep.equal([CHUNK_MOST_BYTES, CHUNK_MOST_BYTES, CHUNK_MOST_BYTES, 5]);
  });

  it('come back from the wire as they were sent', () => {
    const content = noise('wire', 1_000_000);
    const chunks = chunksOf([content]);
    expect(unpackChunks(packChunks(chunks), content.length)).to.deep.equal(chunks);
    expect(unpackChunks(packChunks([]), 0)).to.deep.equal([]);
  });

  const digests = (count: number) => new Uint8Array(count * 32);
  const malformed = [
    { name: 'a digest too few', packed: { lengths: [20_000, 20_000], digests: digests(1) }, size: 40_000 },
    { name: 'half a digest', packed: { lengths: [20_000], digests: new Uint8Array(16) }, size: 20_000 },
    { name: 'a chunk of no bytes', packed: { lengths: [20_000, 0], digests: digests(2) }, size: 20_000 },
    { name: 'a short chunk in the middle', packed: { lengths: [10, 20_000], digests: digests(2) }, size: 20_010 },
    { name: 'a chunk above the greatest size', packed: { lengths: [300_000], digests: digests(1) }, size: 300_000 },
    { name: 'a negative length', packed: { lengths: [-5], digests: digests(1) }, size: -5 },
    { name: 'fewer bytes than the blob', packed: { lengths: [20_000], digests: digests(1) }, size: 20_001 },
    { name: 'more bytes than the blob', packed: { lengths: [20_000], digests: digests(1) }, size: 19_999 },
  ];
  for (const { name, packed, size } of malformed) {
    it(`are refused with ${name}`, async () => {
      expect(await codeOf(() => unpackChunks(packed, size))).to.equal('chunk-list-malformed');
    });
  }
});

function chunksOf(parts: Iterable<Uint8Array>) {
  const cutter = new ChunkCutter();
  for (const part of parts) {
    const lent = Uint8Array.from(part);
    cutter.add(lent);
    lent.fill(0);
  }
  return cutter.finish();
}

function* pieces(content: Buffer, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < content.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    yield content.subarray(at, at + size);
    at += size;
  }
}
