/**
 * Turns parcels back into the wanted bytes, in their order. The control plane is not trusted: how much a parcel may
 * unpack to is known before it is unpacked, and what comes out is only seen to be of the wanted length. Whether it is the
 * wanted content, the receiver finds out by its digest.
 */
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { assertNever, messageOf, RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { ContentParcel, ParcelSlice } from '../../shared/rpc/generated/messages.ts';
import { ahead } from '../../shared/store/ahead.ts';

const decompress = promisify(zstdDecompress);

/** Parcels that are unpacked while the one before is written. */
const UNPACKED_AT_ONCE = 3;

export interface ContentPiece {
  readonly sha256: string;
  /** Of the first byte of `data` in the blob. */
  readonly offset: number;
  readonly data: Buffer;
}

export interface DueContent {
  readonly sha256: string;
  readonly offset: number;
  readonly length: number;
  /** The old bytes that the want offers as dictionary. */
  readonly base: OfferedBase | undefined;
}

export interface OfferedBase {
  readonly length: number;
  read(): Promise<Buffer>;
}

/**
 * Errors: `RejectedError` with `parcel-misplaced`, `parcel-malformed` or `content-incomplete`, and those of
 * `parcels` and of reading a base.
 */
export async function* unpackParcels(
  wants: readonly DueContent[],
  parcels: AsyncIterable<ContentParcel>,
): AsyncGenerator<ContentPiece> {
  const due = new DueList(wants);
  for await (const pieces of ahead(placed(parcels, due), UNPACKED_AT_ONCE, unpack)) yield* pieces;
  due.checkDone();
}

/** As it travels. */
export function bytesOfParcel(parcel: ContentParcel): number {
  switch (parcel.packed) {
    case 'plain':
      return parcel.plain.length;
    case 'zstd':
      return parcel.zstd.length;
    case 'zstdAgainstBases':
      return parcel.zstdAgainstBases.length;
    default:
      return 0;
  }
}

interface PlacedParcel {
  readonly parcel: ContentParcel;
  readonly slices: readonly PlacedSlice[];
}

interface PlacedSlice {
  readonly want: DueContent;
  readonly offset: number;
  readonly length: number;
}

async function* placed(parcels: AsyncIterable<ContentParcel>, due: DueList): AsyncGenerator<PlacedParcel> {
  for await (const parcel of parcels) yield { parcel, slices: parcel.slices.map((slice) => due.take(slice)) };
}

/** What has still to come, and in which order. */
class DueList {
  readonly #wants: readonly DueContent[];
  #at = 0;
  #bytes = 0;

  constructor(wants: readonly DueContent[]) {
    this.#wants = wants;
  }

  take(slice: ParcelSlice): PlacedSlice {
    const want = this.#wants[this.#at];
    const left = want ? want.length - this.#bytes : 0;
    if (!want || slice.want !== this.#at || slice.length === 0 || slice.length > left) {
      throw new RejectedError(
        'parcel-misplaced',
        `failed to fetch content: got ${slice.length} bytes of want ${slice.want}, expected at most ${left} of want ${this.#at}`,
      );
    }
    const offset = want.offset + this.#bytes;
    this.#bytes += slice.length;
    if (this.#bytes === want.length) {
      this.#at += 1;
      this.#bytes = 0;
    }
    return { want, offset, length: slice.length };
  }

  checkDone(): void {
    const want = this.#wants[this.#at];
    if (!want) return;
    throw new RejectedError(
      'content-incomplete',
      `failed to fetch blob "${want.sha256}": it ended at ${this.#bytes} of ${want.length} bytes`,
    );
  }
}

async function unpack({ parcel, slices }: PlacedParcel): Promise<ContentPiece[]> {
  const rawBytes = slices.reduce((sum, { length }) => sum + length, 0);
  if (rawBytes === 0 || rawBytes > LIMITS.parcelBytes)
    throw malformed(`${rawBytes} bytes, expected 1 to ${LIMITS.parcelBytes}`);
  const raw = await rawOf(parcel, { slices, rawBytes });
  if (raw.length !== rawBytes) throw malformed(`it holds ${raw.length} bytes, expected ${rawBytes}`);
  let at = 0;
  return slices.map(({ want, offset, length }) => {
    const data = raw.subarray(at, at + length);
    at += length;
    return { sha256: want.sha256, offset, data };
  });
}

async function rawOf(
  parcel: ContentParcel,
  { slices, rawBytes }: { slices: readonly PlacedSlice[]; rawBytes: number },
): Promise<Buffer> {
  switch (parcel.packed) {
    case 'plain':
      return parcel.plain;
    case 'zstd':
      return inflate(parcel.zstd, { maxOutputLength: rawBytes });
    case 'zstdAgainstBases':
      return inflate(parcel.zstdAgainstBases, { maxOutputLength: rawBytes, dictionary: await dictionaryOf(slices) });
    case undefined:
      throw malformed('it is packed in a way that this agent does not know');
    default:
      return assertNever(parcel);
  }
}

async function dictionaryOf(slices: readonly PlacedSlice[]): Promise<Buffer> {
  const bases = slices.map(({ want }) => {
    if (want.base) return want.base;
    throw malformed(`it is packed against an old copy of "${want.sha256}", and none was offered`);
  });
  const bytes = bases.reduce((sum, { length }) => sum + length, 0);
  if (bytes > LIMITS.dictionaryBytes) throw malformed(`its dictionary would have ${bytes} bytes`);
  return Buffer.concat(await Promise.all(bases.map((base) => base.read())));
}

async function inflate(data: Buffer, options: { maxOutputLength: number; dictionary?: Buffer }): Promise<Buffer> {
  try {
    return await decompress(data, options);
  } catch (cause) {
    throw malformed(`it cannot be unpacked (${messageOf(cause)})`, cause);
  }
}

function malformed(fact: string, cause?: unknown): RejectedError {
  return new RejectedError('parcel-malformed', `failed to unpack a parcel: ${fact}`, { cause });
}
