/**
 * Takes the blobs of one upload as they come, one behind the other.
 *
 * 1. A blob that comes as a whole is gathered with others like it, and they are kept behind one flush. It takes no place
 *    among what is arriving: two who bring it at once write the same bytes.
 * 2. A blob that comes in pieces has its place to itself, and can be resumed.
 * 3. What has come when the upload breaks off is kept: whole blobs for good, the last one as a part.
 */
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { type ArrivingBlob, digestMismatch } from './arriving-blob.ts';
import { type BlobStore, checkDigest } from './blob-store.ts';

/** What a group holds; it is in memory until it is on disk. */
const GROUP_BYTES = 4 * 1024 * 1024;
const GROUP_COUNT = 256;

export interface ArrivingSlice {
  /** Of the whole blob. */
  readonly sha256: Sha256;
  /** Of the whole blob, in bytes. */
  readonly size: number;
  /** Where `data` begins in the blob. */
  readonly offset: number;
  readonly data: Uint8Array;
}

/** After an error nothing but disposing of it is of use. */
export class BlobIntake implements AsyncDisposable {
  readonly #blobs: BlobStore;
  #gathered = new Map<Sha256, Uint8Array>();
  #gatheredBytes = 0;
  /** The group that is being written while the next one is gathered. */
  #underWay: Promise<void> = Promise.resolve();
  /** The one that comes in pieces. */
  #current: ArrivingBlob | undefined;
  #blobCount = 0;

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /**
   * Errors: those of `BlobStore.begin`, `blob-present` for pieces of a blob that is here, `upload-piece-misplaced`,
   * `upload-too-long`, `blob-digest-mismatch`; `TransientError`.
   */
  async take(slice: ArrivingSlice): Promise<void> {
    checkDigest(slice.sha256);
    const isWhole = slice.offset === 0 && slice.data.byteLength === slice.size;
    if (this.#current === undefined && isWhole) await this.#gather(slice);
    else await this.#append(slice);
  }

  /** Resolves, with how many blobs came to their end, once all of them are durable. Errors: `upload-incomplete`, as `take`. */
  async finish(): Promise<number> {
    if (this.#current) {
      const { sha256: digest, bytes, size } = this.#current;
      throw refused(digest, 'upload-incomplete', `${bytes} of ${size} bytes arrived`);
    }
    await this.#keepGathered();
    await this.#underWay;
    return this.#blobCount;
  }

  /** Never throws: what has come is kept where it can be, as that spares sending it again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#keepGathered(), this.#current?.[Symbol.asyncDispose]()]);
    await Promise.allSettled([this.#underWay]);
  }

  async #gather({ sha256: digest, data }: ArrivingSlice): Promise<void> {
    const actual = sha256(data);
    if (actual !== digest) throw digestMismatch(digest, actual);
    // A copy: the message that it came in may be much larger than what was of use in it.
    this.#gathered.set(digest, Buffer.from(data));
    this.#gatheredBytes += data.byteLength;
    this.#blobCount += 1;
    if (this.#gathered.size >= GROUP_COUNT || this.#gatheredBytes >= GROUP_BYTES) await this.#keepGathered();
  }

  async #keepGathered(): Promise<void> {
    if (this.#gathered.size === 0) return;
    const group = this.#gathered;
    this.#gathered = new Map();
    this.#gatheredBytes = 0;
    await this.#underWay;
    this.#underWay = this.#blobs.keepGroup(group);
    this.#underWay.catch(() => undefined); // heard when its turn comes
  }

  async #append(slice: ArrivingSlice): Promise<void> {
    const blob = await this.#currentFor(slice);
    await blob.append(slice.data);
    if (blob.bytes < blob.size) return;
    await this.#blobs.keep(blob);
    this.#current = undefined;
    await blob[Symbol.asyncDispose]();
    this.#blobCount += 1;
  }

  async #currentFor(slice: ArrivingSlice): Promise<ArrivingBlob> {
    this.#current ??= await this.#begin(slice);
    const { sha256: digest, size, bytes } = this.#current;
    if (slice.sha256 === digest && slice.size === size && slice.offset === bytes) return this.#current;
    throw refused(
      digest,
      'upload-piece-misplaced',
      `got offset ${slice.offset} of "${slice.sha256}" with ${slice.size} bytes, expected ${bytes} of ${size}`,
    );
  }

  async #begin(slice: ArrivingSlice): Promise<ArrivingBlob> {
    if ((await this.#blobs.sizeOf(slice.sha256)) === undefined) return this.#blobs.begin(slice);
    throw refused(slice.sha256, 'blob-present', 'it is here already');
  }
}

function refused(digest: Sha256, code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to receive blob "${digest}": ${reason}`);
}
