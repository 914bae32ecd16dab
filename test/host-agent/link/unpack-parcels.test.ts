import { zstdCompressSync } from 'node:zlib';
import { expect } from 'chai';
import { type DueContent, unpackParcels } from '../../../host-agent/link/unpack-parcels.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { ContentParcel } from '../../../shared/rpc/generated/messages.ts';
import { noise } from '../../support/noise.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';

const ONE = Buffer.from('the first blob');
const TWO = Buffer.from('the second');
const BASE = noise('base', 500);
const SLICES = [
  { want: 0, length: ONE.length },
  { want: 1, length: TWO.length },
];
const BOTH = Buffer.concat([ONE, TWO]);
const DUE: readonly DueContent[] = [due('1', ONE.length), due('2', TWO.length)];

describe('host-agent/link/unpack-parcels', () => {
  const TAKEN: Readonly<Record<string, ContentParcel[]>> = {
    'one plain parcel with both': [plain(SLICES, BOTH)],
    'one parcel for each': [plain([slice(0, ONE.length)], ONE), plain([slice(1, TWO.length)], TWO)],
    'a blob spread over two parcels': [
      plain([slice(0, 3)], ONE.subarray(0, 3)),
      plain([slice(0, ONE.length - 3), slice(1, TWO.length)], BOTH.subarray(3)),
    ],
    'a compressed parcel': [{ slices: SLICES, packed: 'zstd', zstd: zstdCompressSync(BOTH) }],
    'a parcel that only says it leans on old bytes': [against(SLICES, zstdCompressSync(BOTH))],
    'a parcel compressed against the bases of both': [
      against(SLICES, zstdCompressSync(BOTH, { dictionary: Buffer.concat([BASE, BASE]) })),
    ],
  };
  for (const [name, parcels] of Object.entries(TAKEN)) {
    it(`takes ${name}`, async () => {
      const pieces = await collected(unpackParcels(DUE, from(parcels)));
      expect(Buffer.concat(pieces.map(({ data }) => data)).equals(BOTH)).to.equal(true);
      expect(new Set(pieces.map(({ sha256 }) => sha256))).to.deep.equal(new Set(['1', '2']));
    });
  }

  const large = LIMITS.parcelBytes + 1;
  const many = Array.from({ length: 10 }, (_, index) => due(`${index}`, 1, { length: LIMITS.dictionaryBytes / 5 }));
  const REFUSED: Readonly<Record<string, { due?: readonly DueContent[]; parcels: ContentParcel[]; code: string }>> = {
    'no answer at all': { parcels: [], code: 'content-incomplete' },
    'an answer that ends early': { parcels: [plain([slice(0, 3)], ONE.subarray(0, 3))], code: 'content-incomplete' },
    'the second blob first': { parcels: [plain([slice(1, TWO.length)], TWO)], code: 'parcel-misplaced' },
    'a blob twice': { parcels: [plain([slice(0, ONE.length), slice(0, ONE.length)], BOTH)], code: 'parcel-misplaced' },
    'a slice that leaves some bytes out': {
      parcels: [plain([slice(0, 3), slice(1, TWO.length)], BOTH.subarray(0, 13))],
      code: 'parcel-misplaced',
    },
    'a slice longer than what is left': {
      parcels: [plain([slice(0, 15)], BOTH.subarray(0, 15))],
      code: 'parcel-misplaced',
    },
    'a want that nobody has': { parcels: [plain([slice(7, 3)], ONE.subarray(0, 3))], code: 'parcel-misplaced' },
    'a slice behind the last want': {
      parcels: [plain(SLICES, BOTH), plain([slice(2, 1)], Buffer.alloc(1))],
      code: 'parcel-misplaced',
    },
    'an empty slice': { parcels: [plain([slice(0, 0)], Buffer.alloc(0))], code: 'parcel-misplaced' },
    'a parcel without slices': { parcels: [plain([], Buffer.alloc(0))], code: 'parcel-malformed' },
    'fewer bytes than its slices': { parcels: [plain(SLICES, ONE)], code: 'parcel-malformed' },
    'more bytes than its slices': { parcels: [plain(SLICES, Buffer.concat([BOTH, ONE]))], code: 'parcel-malformed' },
    'a parcel above the limit': {
      due: [due('1', large)],
      parcels: [plain([slice(0, large)], Buffer.alloc(large))],
      code: 'parcel-malformed',
    },
    'what is no zstd': { parcels: [{ slices: SLICES, packed: 'zstd', zstd: BOTH }], code: 'parcel-malformed' },
    'half a zstd frame': {
      parcels: [{ slices: SLICES, packed: 'zstd', zstd: zstdCompressSync(BOTH).subarray(0, -3) }],
      code: 'parcel-malformed',
    },
    'a few bytes that unpack to a gigabyte': {
      parcels: [{ slices: SLICES, packed: 'zstd', zstd: zstdCompressSync(Buffer.alloc(1 << 30)) }],
      code: 'parcel-malformed',
    },
    'a frame against bases packed without them': {
      parcels: [
        {
          slices: SLICES,
          packed: 'zstd',
          zstd: zstdCompressSync(Buffer.concat([BASE, BASE]).subarray(0, 24), { dictionary: BASE }),
        },
      ],
      code: 'parcel-malformed',
    },
    'a packing that is not known': {
      parcels: [{ slices: SLICES } as unknown as ContentParcel],
      code: 'parcel-malformed',
    },
    'old bytes where none were offered': {
      due: [due('1', ONE.length, { base: undefined }), due('2', TWO.length)],
      parcels: [against(SLICES, zstdCompressSync(BOTH))],
      code: 'parcel-malformed',
    },
    'more old bytes at once than a dictionary has': {
      due: many,
      parcels: [
        against(
          many.map((_, index) => slice(index, 1)),
          zstdCompressSync(Buffer.alloc(10)),
        ),
      ],
      code: 'parcel-malformed',
    },
  };
  for (const [name, { due: wants = DUE, parcels, code }] of Object.entries(REFUSED)) {
    it(`refuses ${name}`, async () => {
      expect(await codeOf(collected(unpackParcels(wants, from(parcels))))).to.equal(code);
    }).timeout(20_000);
  }

  it('has a row for each way in which a parcel can be wrong', () => {
    expect(Object.keys(REFUSED)).to.have.length.at.least(20);
  });
});

function due(sha256: string, length: number, options: { length?: number; base?: undefined } = {}): DueContent {
  const bytes = options.length === undefined ? BASE : Buffer.alloc(options.length);
  const base = 'base' in options ? undefined : { length: bytes.length, read: async () => bytes };
  return { sha256, offset: 0, length, base };
}

function slice(want: number, length: number) {
  return { want, length };
}

function plain(slices: ContentParcel['slices'], data: Buffer): ContentParcel {
  return { slices, packed: 'plain', plain: data };
}

function against(slices: ContentParcel['slices'], data: Buffer): ContentParcel {
  return { slices, packed: 'zstdAgainstBases', zstdAgainstBases: data };
}

async function* from(parcels: readonly ContentParcel[]): AsyncGenerator<ContentParcel> {
  yield* parcels;
}
