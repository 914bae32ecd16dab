import { expect } from 'chai';
import fc from 'fast-check';
import { LIMITS } from '../../../../shared/limits.ts';
import { type Parcel, planParcels, type Want } from '../../../../shared/release/content/parcels.ts';

const KIB = 1024;

describe('parcels', () => {
  it('hold every wanted byte once, in order, within their bounds', () => {
    const plain = fc.record({
      offset: fc.integer({ min: 0, max: 5_000_000 }),
      length: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 5_000_000 })),
      baseBytes: fc.constant(0),
    });
    const delta = fc.record({
      offset: fc.integer({ min: 0, max: 5_000_000 }),
      length: fc.integer({ min: 1, max: LIMITS.deltaBytes }),
      baseBytes: fc.integer({ min: 1, max: LIMITS.deltaBytes + 2 * LIMITS.deltaMarginBytes }),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(plain, delta), { maxLength: 60 }), (rows) => {
        const wants = rows.map(({ offset, length, baseBytes }) => ({ at: { offset, length }, baseBytes }));
        const parcels = [...planParcels(wants)];
        checkCovered(wants, parcels);
        for (const parcel of parcels) checkBounds(wants, parcel);
      }),
      { numRuns: 300 },
    );
  });

  it('put a hundred small files into one', () => {
    const wants = Array.from({ length: 100 }, () => whole(2 * KIB));
    expect([...planParcels(wants)]).to.have.length(1);
  });

  it('spread a large file over many full ones', () => {
    const parcels = [...planParcels([whole(10 * KIB), whole(3 * LIMITS.parcelBytes)])];
    expect(parcels.map(bytesOf)).to.deep.equal([LIMITS.parcelBytes, LIMITS.parcelBytes, LIMITS.parcelBytes, 10 * KIB]);
  });

  it('never share a dictionary with files that have no old copy', () => {
    const parcels = [...planParcels([whole(KIB), beside(KIB, KIB), beside(KIB, KIB), whole(KIB)])];
    expect(parcels.map((parcel) => parcel.map(({ want }) => want))).to.deep.equal([[0], [1, 2], [3]]);
  });

  it('are none for nothing', () => {
    expect([...planParcels([])]).to.deep.equal([]);
  });
});

function whole(length: number): Want {
  return { at: { offset: 0, length }, baseBytes: 0 };
}

function beside(length: number, baseBytes: number): Want {
  return { at: { offset: 0, length }, baseBytes };
}

function checkCovered(wants: readonly Want[], parcels: readonly Parcel[]): void {
  const covered = wants.map(({ at }) => ({ next: at.offset, end: at.offset + at.length }));
  let last = 0;
  for (const { want, at } of parcels.flat()) {
    expect(want).to.be.at.least(last);
    last = want;
    expect(at.offset).to.equal(covered[want]?.next);
    const row = covered[want];
    if (row) row.next += at.length;
  }
  for (const { next, end } of covered) expect(next).to.equal(end);
}

function checkBounds(wants: readonly Want[], parcel: Parcel): void {
  expect(parcel).not.to.have.length(0);
  const bases = parcel.filter(({ usesBase }) => usesBase);
  expect([0, parcel.length]).to.include(bases.length);
  expect(bytesOf(parcel)).to.be.at.most(bases.length > 0 ? LIMITS.deltaBytes : LIMITS.parcelBytes);
  const dictionary = bases.reduce((sum, { want }) => sum + (wants[want]?.baseBytes ?? 0), 0);
  expect(dictionary).to.be.at.most(LIMITS.dictionaryBytes);
}

function bytesOf(parcel: Parcel): number {
  return parcel.reduce((sum, { at }) => sum + at.length, 0);
}
