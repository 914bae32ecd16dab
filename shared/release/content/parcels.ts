/**
 * Parcels: how wanted bytes travel. A parcel holds slices of one or more wants, in their order, and is compressed by
 * itself; so many small files share one, a large one is spread over many, and a transfer goes on at any of them.
 */
import { LIMITS } from '../../limits.ts';
import type { Range } from './segments.ts';

export interface Want {
  /** What is wanted of the blob. */
  readonly at: Range;
  /** How many bytes of an old file both sides have, to compress against; 0 for none. */
  readonly baseBytes: number;
}

/** Bytes of one want that lie in one parcel. */
export interface Slice {
  /** Index of the want. */
  readonly want: number;
  readonly at: Range;
  /** Its whole base is part of the parcel's dictionary. */
  readonly usesBase: boolean;
}

export type Parcel = readonly Slice[];

/** Cuts `wants` into parcels; every byte is in exactly one, in order. A want with a base is not cut. */
export function* planParcels(wants: readonly Want[]): Generator<Parcel> {
  const open = new OpenParcel();
  for (const [index, { at, baseBytes }] of wants.entries()) {
    if (baseBytes > 0) {
      if (!open.hasRoomFor(at.length, baseBytes)) yield open.close();
      open.add({ want: index, at, usesBase: true }, baseBytes);
      continue;
    }
    if (open.usesBases) yield open.close();
    for (let done = 0; done < at.length; ) {
      const length = Math.min(at.length - done, LIMITS.parcelBytes - open.bytes);
      if (length > 0) open.add({ want: index, at: { offset: at.offset + done, length }, usesBase: false }, 0);
      done += length;
      if (open.bytes === LIMITS.parcelBytes) yield open.close();
    }
  }
  if (open.bytes > 0) yield open.close();
}

class OpenParcel {
  #slices: Slice[] = [];
  #baseBytes = 0;
  bytes = 0;

  get usesBases(): boolean {
    return this.#baseBytes > 0;
  }

  /** An empty parcel has room for anything; one without bases takes none. */
  hasRoomFor(bytes: number, baseBytes: number): boolean {
    if (this.bytes === 0) return true;
    if (!this.usesBases) return false;
    return this.bytes + bytes <= LIMITS.deltaBytes && this.#baseBytes + baseBytes <= LIMITS.dictionaryBytes;
  }

  add(slice: Slice, baseBytes: number): void {
    this.#slices.push(slice);
    this.#baseBytes += baseBytes;
    this.bytes += slice.at.length;
  }

  close(): Parcel {
    const slices = this.#slices;
    this.#slices = [];
    this.#baseBytes = 0;
    this.bytes = 0;
    return slices;
  }
}
