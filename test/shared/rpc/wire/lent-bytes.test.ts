/** Lent buffers: what is encoded around them is what is encoded of others, and none is written over while it is in use. */
import { expect } from 'chai';
import fc from 'fast-check';
import { encodeMessage } from '../../../../shared/rpc/wire/encode-message.ts';
import { LentBytes } from '../../../../shared/rpc/wire/lent-bytes.ts';
import { messageShape } from '../../../../shared/rpc/wire/message-shape.ts';

const LENGTH = 4096;
const parcel = messageShape('ContentParcel');

function slicesOf(lengths: readonly number[]): object[] {
  return lengths.map((length, want) => ({ want, length }));
}

function filled(lender: LentBytes, length: number, byte: number): Buffer {
  return lender.lend(length).fill(byte);
}

describe('shared/rpc/wire lent bytes', () => {
  it('encodes around them what it encodes of any bytes, whatever stands in front (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 1 << 20 }), { maxLength: 300 }),
        fc.nat({ max: LENGTH }),
        fc.constantFrom('plain', 'zstd'),
        (lengths, length, packed) => {
          const lent = filled(new LentBytes(LENGTH, 1), length, 7);
          const slices = slicesOf(lengths);
          const expected = encodeMessage(parcel, { slices, [packed]: Buffer.from(lent) }).toString('hex');
          expect(encodeMessage(parcel, { slices, [packed]: lent }).toString('hex')).to.equal(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('does not copy them where there is room in front, and does where there is none', () => {
    const lender = new LentBytes(LENGTH, 1);
    const few = filled(lender, LENGTH, 1);
    expect(encodeMessage(parcel, { slices: slicesOf([LENGTH]), plain: few }).buffer).to.equal(few.buffer);
    const many = filled(lender, LENGTH, 1);
    const bytes = encodeMessage(parcel, { slices: slicesOf(Array(300).fill(1)), plain: many });
    expect(bytes.buffer).to.not.equal(many.buffer);
  });

  it('lends a buffer again once its message is encoded and the task over, not before', async () => {
    const lender = new LentBytes(LENGTH, 2);
    const first = filled(lender, LENGTH, 1);
    const second = filled(lender, LENGTH, 2);
    expect(second.buffer).to.not.equal(first.buffer);
    const bytes = encodeMessage(parcel, { slices: slicesOf([LENGTH]), plain: first });
    expect(filled(lender, LENGTH, 3).buffer).to.not.equal(first.buffer);
    expect(bytes.subarray(-LENGTH).equals(Buffer.alloc(LENGTH, 1))).to.equal(true);
    await Promise.resolve();
    expect(lender.lend(LENGTH).buffer).to.equal(first.buffer);
    expect(second.every((byte) => byte === 2)).to.equal(true);
  });

  it('takes back what it has lent, once, and keeps no more than it shall', () => {
    const lender = new LentBytes(LENGTH, 1);
    const [one, two] = [lender.lend(10), lender.lend(10)];
    lender.giveBack(one);
    lender.giveBack(one);
    lender.giveBack(two);
    lender.giveBack(Buffer.alloc(10));
    new LentBytes(LENGTH, 1).giveBack(two);
    expect(lender.lend(10).buffer).to.equal(one.buffer);
    const another = lender.lend(10);
    expect([one.buffer, two.buffer]).to.not.include(another.buffer);
  });

  it('lends more than its buffers hold, and takes that for any bytes', () => {
    const lender = new LentBytes(LENGTH, 1);
    const large = filled(lender, LENGTH + 1, 1);
    const bytes = encodeMessage(parcel, { slices: slicesOf([LENGTH + 1]), plain: large });
    expect(bytes.subarray(-LENGTH - 1).equals(large)).to.equal(true);
    expect(bytes.buffer).to.not.equal(large.buffer);
  });
});
