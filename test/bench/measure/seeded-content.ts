/**
 * Content that looks like what is released, and is the same wherever it is made: AES-CTR key streams of a seed's digest.
 *
 * - `randomBytes`: as dense as an archive or a picture; nothing compresses it.
 * - `textLines`: lines of words, as source and configuration are; zstd and gzip take about two thirds away.
 */
import { createCipheriv, createHash } from 'node:crypto';

const WORD_COUNT = 4096;
const WORDS = wordsOf('keyturn-bench-words');

/** A stream of numbers and bytes that its seed decides. */
export class Seeded {
  readonly #stream;

  constructor(seed: string) {
    const key = createHash('sha256').update(`keyturn-bench\0${seed}`).digest();
    this.#stream = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
  }

  bytes(count: number): Buffer {
    return this.#stream.update(Buffer.alloc(count));
  }

  /** From 0 up to, not including, `limit`, which is at most 2^32. */
  below(limit: number): number {
    return Math.floor((this.bytes(4).readUInt32LE() / 2 ** 32) * limit);
  }

  /** At least `least` bytes of lines of words. */
  textLines(least: number): string[] {
    const lines: string[] = [];
    for (let size = 0; size < least; ) {
      const line = this.textLine();
      lines.push(line);
      size += line.length + 1;
    }
    return lines;
  }

  textLine(): string {
    const picks = this.bytes(2 * (6 + this.below(8)));
    const words: string[] = [];
    for (let at = 0; at < picks.length; at += 2) words.push(WORDS[picks.readUInt16LE(at) % WORD_COUNT] ?? '');
    return words.join(' ');
  }
}

function wordsOf(seed: string): string[] {
  const key = createHash('sha256').update(seed).digest();
  const stream = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
  const bytes = stream.update(Buffer.alloc(WORD_COUNT * 10));
  return Array.from({ length: WORD_COUNT }, (_, index) => {
    const of = bytes.subarray(index * 10, index * 10 + 10);
    return [...of.subarray(0, 3 + ((of[9] ?? 0) % 7))].map((byte) => String.fromCharCode(97 + (byte % 26))).join('');
  });
}
