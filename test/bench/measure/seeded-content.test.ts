import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { expect } from 'chai';
import { Seeded } from './seeded-content.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('seeded content', () => {
  it('is the same for the same seed, on every machine', () => {
    expect(sha256(new Seeded('a').bytes(1_000_000))).to.equal(sha256(new Seeded('a').bytes(1_000_000)));
    expect(sha256(new Seeded('a').bytes(64))).to.equal(
      'd0a35001562e0e6ea73a2f0af37cc4adc6e81039949e1cca768f73a3b8e6b6d8',
    );
  });

  it('differs from seed to seed, and from one piece to the next', () => {
    const seeded = new Seeded('a');
    expect(seeded.bytes(64).equals(seeded.bytes(64))).to.equal(false);
    expect(new Seeded('a').bytes(64).equals(new Seeded('b').bytes(64))).to.equal(false);
  });

  it('cannot be compressed where it stands for archives, and to half at least where it stands for text', () => {
    const dense = new Seeded('dense').bytes(200_000);
    expect(zstdCompressSync(dense).length).to.be.at.least(dense.length);
    const text = Buffer.from(new Seeded('text').textLines(200_000).join('\n'));
    expect(text.length).to.be.within(200_000, 201_000);
    expect(zstdCompressSync(text).length / text.length).to.be.within(0.2, 0.5);
  });

  it('draws every number below the limit and none at it', () => {
    const seeded = new Seeded('numbers');
    const drawn = new Set(Array.from({ length: 200 }, () => seeded.below(4)));
    expect([...drawn].sort()).to.deep.equal([0, 1, 2, 3]);
  });
});
