import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { sha256 } from '../../../../shared/digest.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { type BlobPiece, readBlobPieces } from '../../../../shared/release/ktr/blob-pieces.ts';
import { type Ktr, openKtr } from '../../../../shared/release/ktr.ts';
import { writeKtr } from '../../../support/ktr-file.ts';
import { noise } from '../../../support/noise.ts';
import { codeOf, collected } from '../../../support/rejection-of.ts';

const CHUNK = LIMITS.blobChunkBytes;
/** Around the sizes at which blobs come in another way, or reach over a window of reading. */
const CONTENTS = [0, 1, 20, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 9 * CHUNK + 7].map((size) =>
  noise(`blob of ${size}`, size),
);

describe('shared/release/ktr/blob-pieces', () => {
  let folder: string;
  let ktr: Ktr;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-pieces-'));
    ktr = await openKtr(await writeKtr(join(folder, 'a.ktr'), CONTENTS));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const wanted = (from: (content: Buffer) => number) =>
    new Map(CONTENTS.map((content) => [sha256(content), from(content)]));

  it('gives every blob whole, a small one in one piece, none larger than a chunk', async () => {
    const pieces = await collected(
      readBlobPieces(
        ktr,
        wanted(() => 0),
      ),
    );
    for (const content of CONTENTS) {
      const own = pieces.filter((piece) => piece.sha256 === sha256(content));
      expect(joined(own).equals(content)).to.equal(true);
      expect(own).to.have.length(Math.max(1, Math.ceil(content.length / CHUNK)));
    }
    expect(Math.max(...pieces.map(({ data }) => data.length))).to.equal(CHUNK);
  });

  it('gives the rest of any blobs from any byte on, in their order, without a gap', async () => {
    const wish = fc.record({ index: fc.nat(CONTENTS.length - 1), from: fc.nat(10 * CHUNK) });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(wish, { selector: ({ index }) => index }), async (wishes) => {
        const from = new Map(
          wishes.map(({ index, from }) => [sha256(CONTENTS[index] as Buffer), from % (CONTENTS[index]?.length || 1)]),
        );
        const pieces = await collected(readBlobPieces(ktr, from));
        for (const [digest, first] of from) {
          const own = pieces.filter((piece) => piece.sha256 === digest);
          const content = CONTENTS.find((blob) => sha256(blob) === digest) as Buffer;
          expect(own[0]?.offset).to.equal(first);
          expect(joined(own).equals(content.subarray(first))).to.equal(true);
        }
        expect(new Set(pieces.map((piece) => piece.sha256))).to.deep.equal(new Set(from.keys()));
      }),
      { numRuns: 50 },
    );
  });

  it('gives one empty piece of a blob that is wanted from its end on, or from beyond', async () => {
    for (const beyond of [0, 5]) {
      const pieces = await collected(
        readBlobPieces(
          ktr,
          wanted(({ length }) => length + beyond),
        ),
      );
      expect(pieces.map(({ size, offset, data }) => [offset - size, data.length])).to.deep.equal(
        CONTENTS.map(() => [beyond, 0]),
      );
    }
  });

  it('gives nothing of a small blob whose bytes are others, and ends a large one with a refusal', async () => {
    for (const size of [1000, 3 * CHUNK]) {
      const digest = sha256(CONTENTS.find(({ length }) => length === size) as Buffer);
      flipByte(ktr.path, (ktr.blobs.get(digest)?.offset ?? 0) + size - 1);
      const seen: BlobPiece[] = [];
      const reading = (async () => {
        for await (const piece of readBlobPieces(ktr, new Map([[digest, 0]]))) seen.push(piece);
      })();
      expect(await codeOf(reading)).to.equal('blob-digest-differs');
      expect(seen).to.have.length(size === 1000 ? 0 : 3);
    }
  });

  it('refuses a bundle that has become shorter', async () => {
    truncateSync(ktr.path, ktr.bytes - 1);
    expect(
      await codeOf(
        collected(
          readBlobPieces(
            ktr,
            wanted(() => 0),
          ),
        ),
      ),
    ).to.equal('ktr-truncated');
  });
});

function joined(pieces: readonly BlobPiece[]): Buffer {
  for (const [index, { offset, data }] of pieces.entries())
    expect(pieces[index + 1]?.offset ?? offset + data.length).to.equal(offset + data.length);
  return Buffer.concat(pieces.map(({ data }) => data));
}

function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
