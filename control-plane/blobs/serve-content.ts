/**
 * Sends wanted content in parcels: many small files in one, a large one over many, each compressed by itself where that
 * saves something, and against the caller's old bytes where the caller names them and they are here, too.
 *
 * Memory is bounded by what is read ahead, whatever the size; the caller's back-pressure stops the reading.
 */
import { promisify } from 'node:util';
import { constants, type ZstdOptions, zstdCompress } from 'node:zlib';
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { type Parcel, planParcels, type Want } from '../../shared/release/content/parcels.ts';
import type { ContentBase, ContentParcel, ContentWant } from '../../shared/rpc/generated/messages.ts';
import { LentBytes } from '../../shared/rpc/wire/lent-bytes.ts';
import { YoungGarbage } from '../../shared/service/young-garbage.ts';
import { ahead } from '../../shared/store/ahead.ts';
import type { BlobStore } from './blob-store.ts';
import { OpenBlobs } from './open-blobs.ts';
import { Thrift } from './thrift.ts';

const compress = promisify(zstdCompress);

/** Parcels that are read and compressed while others travel. */
const READ_AHEAD = 4;
/** Wants that are looked up before their first parcel leaves. */
const LOOKED_UP_AT_ONCE = 256;

/** Enough to tell what media and archives are; a sixteenth of the work. */
const SAMPLE_BYTES = 64 * 1024;

/** Bulk has to keep up with the link; a delta is small, and each byte of it saved is a byte on a slow line. */
const BULK: ZstdOptions['params'] = { [constants.ZSTD_c_compressionLevel]: 1 };
const DELTA: ZstdOptions['params'] = { [constants.ZSTD_c_compressionLevel]: 9 };

/**
 * Errors: `RejectedError` with `too-many-blobs`, `blob-not-found`, `blob-size-mismatch`, `content-range-invalid` or
 * `digest-malformed`, at the want that fails.
 */
export async function* serveContent(blobs: BlobStore, wants: readonly ContentWant[]): AsyncGenerator<ContentParcel> {
  if (wants.length > LIMITS.blobsPerRequestCount) {
    throw new RejectedError(
      'too-many-blobs',
      `failed to send content: ${wants.length} wanted, expected at most ${LIMITS.blobsPerRequestCount}`,
    );
  }
  const thrift = new Thrift();
  const garbage = new YoungGarbage();
  const buffers = new LentBytes(LIMITS.parcelBytes, READ_AHEAD);
  await using open = new OpenBlobs(blobs);
  for (let first = 0; first < wants.length; first += LOOKED_UP_AT_ONCE) {
    const looked = wants.slice(first, first + LOOKED_UP_AT_ONCE);
    const plans = await Promise.all(looked.map((want) => lookUp(blobs, want)));
    const packer = new Packer({ open, wants: looked, thrift, buffers });
    for await (const parcel of ahead(planParcels(plans), READ_AHEAD, (cut) => packer.pack(cut, first))) {
      yield parcel;
      garbage.passed(parcel.slices.reduce((sum, { length }) => sum + length, 0));
    }
  }
}

async function lookUp(blobs: BlobStore, want: ContentWant): Promise<Want> {
  const { sha256, size, offset } = want;
  const length = want.length === 0 ? size - offset : want.length;
  const actual = await blobs.sizeOf(sha256);
  if (actual === undefined) {
    throw new RejectedError('blob-not-found', `failed to send blob "${sha256}": it is not here`);
  }
  if (actual !== size) {
    throw new RejectedError(
      'blob-size-mismatch',
      `failed to send blob "${sha256}": wanted with ${size} bytes, it has ${actual}`,
    );
  }
  if (length <= 0 || offset + length > size) {
    throw new RejectedError(
      'content-range-invalid',
      `failed to send blob "${sha256}": wanted ${length} bytes from ${offset}, it has ${size}`,
    );
  }
  const at = { offset, length };
  return { at, baseBytes: length <= LIMITS.deltaBytes ? await bytesOfBase(blobs, { base: baseOf(want), length }) : 0 };
}

/** How many bytes of a dictionary both sides have; a base that is not here, or is no such range, is none. */
async function bytesOfBase(
  blobs: BlobStore,
  { base, length }: { base: ContentBase | undefined; length: number },
): Promise<number> {
  // Nobody needs a large dictionary for a few bytes, but whoever wants to keep this process busy.
  if (!base || base.length > length + 2 * LIMITS.deltaMarginBytes) return 0;
  const size = await blobs.sizeOf(base.sha256);
  return size !== undefined && base.offset + base.length <= size ? base.length : 0;
}

function baseOf(want: ContentWant): ContentBase | undefined {
  return want.dictionary === 'base' ? want.base : undefined;
}

class Packer {
  readonly #open: OpenBlobs;
  readonly #wants: readonly ContentWant[];
  readonly #thrift: Thrift;
  readonly #buffers: LentBytes;

  constructor(parts: { open: OpenBlobs; wants: readonly ContentWant[]; thrift: Thrift; buffers: LentBytes }) {
    this.#open = parts.open;
    this.#wants = parts.wants;
    this.#thrift = parts.thrift;
    this.#buffers = parts.buffers;
  }

  /** `first`: the number of the first want in the whole request. */
  async pack(parcel: Parcel, first: number): Promise<ContentParcel> {
    const raw = await this.#read(
      parcel.map(({ want, at }) => ({ sha256: this.#want(want).sha256, ...at })),
      (length) => this.#buffers.lend(length),
    );
    const bases = parcel.flatMap(({ want, usesBase }) => (usesBase ? (baseOf(this.#want(want)) ?? []) : []));
    const slices = parcel.map(({ want, at }) => ({ want: first + want, length: at.length }));
    if (bases.length > 0) {
      const dictionary = await this.#read(bases, Buffer.allocUnsafe);
      const data = await compress(raw, { params: DELTA, dictionary });
      this.#buffers.giveBack(raw);
      return { slices, packed: 'zstdAgainstBases', zstdAgainstBases: data };
    }
    if (!this.#thrift.shouldTry() || !(await this.#promises(raw))) return { slices, packed: 'plain', plain: raw };
    const data = await compress(raw, { params: BULK });
    if (!this.#thrift.isWorth(data.length, raw.length)) return { slices, packed: 'plain', plain: raw };
    this.#buffers.giveBack(raw);
    return { slices, packed: 'zstd', zstd: data };
  }

  /** Whether the beginning of a large parcel shrinks; one whose beginning does not is sent as it is. */
  async #promises(raw: Buffer): Promise<boolean> {
    if (raw.length <= SAMPLE_BYTES) return true;
    const sample = await compress(raw.subarray(0, SAMPLE_BYTES), { params: BULK });
    return this.#thrift.isWorth(sample.length, SAMPLE_BYTES);
  }

  #want(index: number): ContentWant {
    const want = this.#wants[index];
    if (!want) throw new Error(`parcel of want ${index} of ${this.#wants.length}`);
    return want;
  }

  async #read(
    ranges: readonly { sha256: Sha256; offset: number; length: number }[],
    allocate: (length: number) => Buffer,
  ): Promise<Buffer> {
    const bytes = allocate(ranges.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const { sha256, offset, length } of ranges) {
      await this.#open.readInto(bytes.subarray(at, at + length), { sha256, offset });
      at += length;
    }
    return bytes;
  }
}
