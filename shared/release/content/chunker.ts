/**
 * Content-defined chunking: where a file is cut follows from the bytes around the cut, so an insertion moves the cuts
 * beside it and no others. FastCDC (Xia et al., USENIX ATC 2016): a rolling gear hash, no cut before the least size, a
 * stricter mask before the average size than behind it.
 *
 * Cuts decide what travels, never what is believed: a file counts by its own SHA-256 alone.
 */
import { createHash } from 'node:crypto';

export const CHUNK_LEAST_BYTES = 16 * 1024;
export const CHUNK_AVERAGE_BYTES = 64 * 1024;
export const CHUNK_MOST_BYTES = 256 * 1024;

/** Two bits more, and two fewer, than an average of 2^16 asks for; in the upper half, which sees the most bytes. */
const MASK_BEFORE_AVERAGE = 0xffffc000;
const MASK_BEHIND_AVERAGE = 0xfffc0000;

const GEAR = gearTable();

/**
 * The length of the chunk that `bytes` begins with; undefined when more bytes are needed to know. `isEnd`: nothing
 * follows `bytes`, so what is left is a chunk.
 */
export function chunkLength(bytes: Uint8Array, { isEnd }: { isEnd: boolean }): number | undefined {
  const most = Math.min(bytes.length, CHUNK_MOST_BYTES);
  const cut = cutBetween(bytes, most);
  if (cut !== undefined) return cut;
  return most === CHUNK_MOST_BYTES || isEnd ? most : undefined;
}

function cutBetween(bytes: Uint8Array, most: number): number | undefined {
  const average = Math.min(most, CHUNK_AVERAGE_BYTES);
  let hash = 0;
  let at = CHUNK_LEAST_BYTES;
  for (; at < average; at += 1) {
    hash = ((hash << 1) + (GEAR[bytes[at] as number] as number)) | 0;
    if ((hash & MASK_BEFORE_AVERAGE) === 0) return at + 1;
  }
  for (; at < most; at += 1) {
    hash = ((hash << 1) + (GEAR[bytes[at] as number] as number)) | 0;
    if ((hash & MASK_BEHIND_AVERAGE) === 0) return at + 1;
  }
  return undefined;
}

/** One number for each value of a byte, as random as SHA-256 and the same on every machine. */
function gearTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, value) =>
    createHash('sha256').update(`keyturn.gear/v1 ${value}`).digest().readInt32LE(0),
  );
}
