import { expect } from 'chai';
import fc from 'fast-check';
import { ByteReader } from '../../../control-plane/build/byte-reader.ts';

async function* chunks(parts: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* parts;
}

describe('byte reader', () => {
  it('gives the same lines and blocks however the bytes are cut into chunks', async () => {
    const part = fc.uint8Array({ maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1 }),
        fc.array(fc.integer({ min: 1, max: 7 })),
        async (blocks, cuts) => {
          const bytes = Buffer.concat(blocks.map((block) => Buffer.concat([Buffer.from(`${block.length}\n`), block])));
          const reader = new ByteReader(chunks(cutUp(bytes, cuts)));
          for (const block of blocks) {
            const length = Number(await reader.line(8));
            expect(length).to.equal(block.length);
            expect((await reader.block(length)) ?? Buffer.alloc(0)).to.deep.equal(Buffer.from(block));
          }
          expect(await reader.block(1)).to.equal(undefined);
        },
      ),
    );
  });

  it('tells an end at a boundary from an end within', async () => {
    expect(await new ByteReader(chunks([])).block(3)).to.equal(undefined);
    const error = await new ByteReader(chunks([Buffer.from('ab')])).block(3).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(RangeError);
  });

  it('refuses a line without an end, before it fills the memory', async () => {
    const endless = async function* (): AsyncIterable<Uint8Array> {
      for (;;) yield Buffer.alloc(64, 0x61);
    };
    const error = await new ByteReader(endless()).line(256).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(RangeError);
  });
});

function cutUp(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  for (const length of cuts) {
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...parts, bytes.subarray(at)];
}
