import { expect } from 'chai';
import fc from 'fast-check';
import { LIMITS } from '../../../../shared/limits.ts';
import { ChunkCutter } from '../../../../shared/release/content/chunk-list.ts';
import {
  type Segment,
  segmentsBeside,
  segmentsBetween,
  segmentsFrom,
} from '../../../../shared/release/content/segments.ts';
import { noise } from '../../../support/noise.ts';

describe('segments', () => {
  const old = noise('old', 2_000_000);

  it('rebuild the new file from copies of the old one and what is fetched, whatever was changed', () => {
    const edit = fc.record({
      at: fc.integer({ min: 0, max: old.length }),
      removed: fc.integer({ min: 0, max: 300_000 }),
      seed: fc.string({ maxLength: 5 }),
      added: fc.integer({ min: 0, max: 1_500_000 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 4 }), (edits) => {
        let wanted = old;
        for (const { at, removed, seed, added } of edits) {
          wanted = Buffer.concat([wanted.subarray(0, at), noise(seed, added), wanted.subarray(at + removed)]);
        }
        const segments = segmentsBetween(chunksOf(wanted), chunksOf(old));
        expect(rebuilt(segments, wanted).equals(wanted)).to.equal(true);
        checkBases(segments);
      }),
      { numRuns: 30 },
    );
  });

  it('fetch what surrounds one changed byte, and nothing else', () => {
    const wanted = Buffer.from(old);
    wanted[1_000_000] = (wanted[1_000_000] as number) ^ 1;
    const segments = segmentsBetween(chunksOf(wanted), chunksOf(old));
    const fetched = segments.filter(({ kind }) => kind === 'fetch');
    expect(fetched).to.have.length(1);
    expect(fetched[0]?.at.length).to.be.at.most(LIMITS.deltaBytes);
    expect(segments.filter(({ kind }) => kind === 'copy')).to.have.length(2);
  });

  it('ask for another content as a whole, without a dictionary', () => {
    const wanted = noise('another', 3_000_000);
    expect(segmentsBetween(chunksOf(wanted), chunksOf(old))).to.deep.equal([
      { kind: 'fetch', at: { offset: 0, length: wanted.length }, base: undefined },
    ]);
  });

  it('ask for all of an unchunked file, each stretch beside the same stretch of the old one', () => {
    const segments = segmentsBeside(600_000, 300_000);
    expect(segments.map(({ at }) => at.length).reduce((a, b) => a + b, 0)).to.equal(600_000);
    checkBases(segments);
    expect(segmentsBeside(100, 0)).to.deep.equal([{ kind: 'fetch', at: { offset: 0, length: 100 }, base: undefined }]);
    expect(segmentsBeside(0, 100)).to.deep.equal([]);
  });

  it('go on behind any byte that is there already', () => {
    const wanted = Buffer.concat([old.subarray(0, 700_000), noise('x', 100_000), old.subarray(700_000)]);
    const segments = segmentsBetween(chunksOf(wanted), chunksOf(old));
    for (const bytes of [0, 1, 699_999, 700_001, 790_000, wanted.length - 1, wanted.length]) {
      const rest = segmentsFrom(segments, bytes);
      expect(rebuilt(rest, wanted, bytes).equals(wanted.subarray(bytes)), `from ${bytes}`).to.equal(true);
    }
  });

  function rebuilt(segments: readonly Segment[], wanted: Buffer, from = 0): Buffer {
    let end = from;
    const parts = segments.map((segment) => {
      expect(segment.at.offset).to.equal(end);
      expect(segment.at.length).to.be.greaterThan(0);
      end += segment.at.length;
      if (segment.kind === 'fetch') return wanted.subarray(segment.at.offset, end);
      return old.subarray(segment.from, segment.from + segment.at.length);
    });
    return Buffer.concat(parts);
  }

  function checkBases(segments: readonly Segment[]): void {
    for (const segment of segments) {
      if (segment.kind !== 'fetch' || !segment.base) continue;
      expect(segment.at.length).to.be.at.most(LIMITS.deltaBytes);
      expect(segment.base.length).to.be.within(1, LIMITS.deltaBytes + 2 * LIMITS.deltaMarginBytes);
      expect(segment.base.offset + segment.base.length).to.be.at.most(old.length);
    }
  }
});

function chunksOf(content: Uint8Array) {
  const cutter = new ChunkCutter();
  cutter.add(content);
  return cutter.finish();
}
