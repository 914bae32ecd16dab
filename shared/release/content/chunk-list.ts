/**
 * The chunks of one blob, in order: how long each is, and its SHA-256. Two lists say which chunks of a new file stand
 * in an old one already. A list comes unsigned; a wrong one makes a blob whose digest differs, and nothing else.
 */
import { createHash } from 'node:crypto';
import { RejectedError } from '../../errors.ts';
import { CHUNK_LEAST_BYTES, CHUNK_MOST_BYTES, chunkLength } from './chunker.ts';

/** Of one chunk's SHA-256 on the wire. */
export const CHUNK_DIGEST_BYTES = 32;

export interface Chunk {
  /** Where it begins in its blob, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** How a list travels: `digests` holds 32 bytes for each of `lengths`. */
export interface PackedChunks {
  readonly lengths: readonly number[];
  readonly digests: Uint8Array;
}

/** Cuts a blob whose bytes are added in pieces of any size; holds at most one chunk and one piece. */
export class ChunkCutter {
  readonly #chunks: Chunk[] = [];
  #offset = 0;
  #rest: Uint8Array = new Uint8Array(0);

  add(piece: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    this.#cut({ isEnd: false });
    // The piece belongs to the caller, who may read the next one into it.
    this.#rest = Buffer.from(this.#rest);
  }

  finish(): readonly Chunk[] {
    this.#cut({ isEnd: true });
    return this.#chunks;
  }

  #cut({ isEnd }: { isEnd: boolean }): void {
    while (this.#rest.length > 0) {
      const length = chunkLength(this.#rest, { isEnd });
      if (length === undefined) return;
      const sha256 = createHash('sha256').update(this.#rest.subarray(0, length)).digest('hex');
      this.#chunks.push({ offset: this.#offset, length, sha256 });
      this.#offset += length;
      this.#rest = this.#rest.subarray(length);
    }
  }
}

export function packChunks(chunks: readonly Chunk[]): PackedChunks {
  return {
    lengths: chunks.map(({ length }) => length),
    digests: Buffer.concat(chunks.map(({ sha256 }) => Buffer.from(sha256, 'hex'))),
  };
}

/** The list of a blob of `size` bytes. Errors: `RejectedError('chunk-list-malformed')`. */
export function unpackChunks({ lengths, digests }: PackedChunks, size: number): Chunk[] {
  if (digests.length !== lengths.length * CHUNK_DIGEST_BYTES) {
    throw malformed(`${digests.length} bytes of digests for ${lengths.length} chunks`);
  }
  const bytes = Buffer.from(digests.buffer, digests.byteOffset, digests.byteLength);
  const chunks: Chunk[] = [];
  let offset = 0;
  for (const [index, length] of lengths.entries()) {
    const isLast = index === lengths.length - 1;
    if (length < (isLast ? 1 : CHUNK_LEAST_BYTES) || length > CHUNK_MOST_BYTES) {
      throw malformed(`chunk ${index} has ${length} bytes`);
    }
    const at = index * CHUNK_DIGEST_BYTES;
    chunks.push({ offset, length, sha256: bytes.toString('hex', at, at + CHUNK_DIGEST_BYTES) });
    offset += length;
  }
  if (offset !== size) throw malformed(`its chunks have ${offset} bytes, expected ${size}`);
  return chunks;
}

function malformed(fact: string): RejectedError {
  return new RejectedError('chunk-list-malformed', `failed to read a chunk list: ${fact}`);
}
