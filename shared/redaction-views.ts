/**
 * One text read in several encodings at once, with the way back from each decoded byte to the text.
 *
 * Every reader is total and linear: what does not belong to its encoding it copies or skips, so it finds encoded
 * stretches anywhere in ordinary text without being told where they are.
 */

/** Decoded bytes, and for each the half-open range of text bytes it was read from. */
export interface DecodedView {
  readonly bytes: Buffer;
  from(index: number): number;
  to(index: number): number;
}

/** All readings of `text` (UTF-8) that `shared/redaction.ts` searches: plain, URL-encoded, escaped, hexadecimal, base64. */
export function* decodedViews(text: Buffer): Generator<DecodedView> {
  yield { bytes: text, from: (index) => index, to: (index) => index + 1 };
  if (text.includes('%')) {
    yield urlDecoded(text, { plusIsSpace: false });
    yield urlDecoded(text, { plusIsSpace: true });
  }
  if (text.includes('\\')) yield unescaped(text);
  for (const phase of [0, 1]) yield regrouped(text, { bitsOf: HEX_BITS, bitsEach: 4, phase });
  for (const phase of [0, 1, 2, 3]) yield regrouped(text, { bitsOf: BASE64_BITS, bitsEach: 6, phase });
}

/** Collects decoded bytes with their origins; never more than one for each byte of text, times `ratio`. */
class ViewBuilder implements DecodedView {
  readonly #bytes: Buffer;
  readonly #from: Uint32Array;
  readonly #to: Uint32Array;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
    this.#from = new Uint32Array(capacity);
    this.#to = new Uint32Array(capacity);
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  from(index: number): number {
    return this.#from[index] ?? 0;
  }

  to(index: number): number {
    return this.#to[index] ?? 0;
  }

  push(byte: number, from: number, to: number): void {
    this.#bytes[this.#length] = byte;
    this.#from[this.#length] = from;
    this.#to[this.#length] = to;
    this.#length++;
  }
}

function urlDecoded(text: Buffer, { plusIsSpace }: { plusIsSpace: boolean }): DecodedView {
  const view = new ViewBuilder(text.length);
  for (let at = 0; at < text.length; ) {
    const byte = text[at] ?? 0;
    const encoded = byte === 0x25 ? hexNumber(text, at + 1, 2) : undefined;
    if (encoded !== undefined) {
      view.push(encoded, at, at + 3);
      at += 3;
    } else {
      view.push(plusIsSpace && byte === 0x2b ? 0x20 : byte, at, at + 1);
      at += 1;
    }
  }
  return view;
}

/** Letters behind a backslash in JSON and most languages. Any other character stands for itself (`\"`, `\/`, `\\`, `\'`). */
const ESCAPED_LETTERS: Readonly<Record<string, number>> = { b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

function unescaped(text: Buffer): DecodedView {
  const view = new ViewBuilder(text.length);
  for (let at = 0; at < text.length; ) {
    const { bytes, length } = text[at] === 0x5c ? escapeAt(text, at) : { bytes: [text[at] ?? 0], length: 1 };
    for (const byte of bytes) view.push(byte, at, at + length);
    at += length;
  }
  return view;
}

/** The escape sequence at `at`: what it means, and how many text bytes it takes. Never means more bytes than it takes. */
function escapeAt(text: Buffer, at: number): { bytes: Iterable<number>; length: number } {
  const letter = String.fromCharCode(text[at + 1] ?? 0);
  if (at + 1 >= text.length) return { bytes: [0x5c], length: 1 };
  const short = letter === 'x' ? hexNumber(text, at + 2, 2) : undefined;
  if (short !== undefined) return { bytes: [short], length: 4 };
  const unit = letter === 'u' ? hexNumber(text, at + 2, 4) : undefined;
  if (unit === undefined) return { bytes: [ESCAPED_LETTERS[letter] ?? text[at + 1] ?? 0], length: 2 };
  const isFirstHalf = unit >= 0xd800 && unit < 0xdc00 && text[at + 6] === 0x5c && text[at + 7] === 0x75;
  const secondHalf = isFirstHalf ? hexNumber(text, at + 8, 4) : undefined;
  if (secondHalf === undefined) return { bytes: Buffer.from(String.fromCharCode(unit)), length: 6 };
  return { bytes: Buffer.from(String.fromCharCode(unit, secondHalf)), length: 12 };
}

interface Regrouping {
  /** Value of each character, `SKIPPED` for what may stand between digits, `FOREIGN` for what ends an encoded stretch. */
  readonly bitsOf: Int8Array;
  readonly bitsEach: number;
  /** Digits to pass over at the start of each stretch: encoded text may begin in the middle of one. */
  readonly phase: number;
}

const SKIPPED = -1;
const FOREIGN = -2;
const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const HEX_BITS = digitTable({ alphabets: ['0123456789abcdef', '0123456789ABCDEF'], skipped: ' \t\r\n:' });
const BASE64_BITS = digitTable({
  alphabets: [`${LETTERS_AND_DIGITS}+/`, `${LETTERS_AND_DIGITS}-_`],
  skipped: ' \t\r\n',
});

/** Reads digits of 4 or 6 bits as a stream of bytes, across line wraps. */
function regrouped(text: Buffer, { bitsOf, bitsEach, phase }: Regrouping): DecodedView {
  const view = new ViewBuilder(text.length);
  let toSkip = phase;
  let bits = 0;
  let bitCount = 0;
  let byteFrom = 0;
  for (const [at, character] of text.entries()) {
    const value = bitsOf[character] ?? FOREIGN;
    if (value === SKIPPED) continue;
    if (value === FOREIGN) {
      toSkip = phase;
      bits = 0;
      bitCount = 0;
    } else if (toSkip > 0) toSkip--;
    else {
      // A digit may end one byte and begin the next; then it belongs to both.
      if (bitCount === 0) byteFrom = at;
      bits = ((bits << bitsEach) | value) & 0xffff;
      bitCount += bitsEach;
      if (bitCount < 8) continue;
      bitCount -= 8;
      view.push((bits >> bitCount) & 0xff, byteFrom, at + 1);
      byteFrom = at;
    }
  }
  return view;
}

function digitTable({ alphabets, skipped }: { alphabets: readonly string[]; skipped: string }): Int8Array {
  const table = new Int8Array(256).fill(FOREIGN);
  for (const alphabet of alphabets) {
    for (const [value, digit] of [...alphabet].entries()) table[digit.charCodeAt(0)] = value;
  }
  for (const space of skipped) table[space.charCodeAt(0)] = SKIPPED;
  return table;
}

/** The number written in exactly `length` hexadecimal digits, or undefined. */
function hexNumber(text: Buffer, at: number, length: number): number | undefined {
  const digits = text.toString('latin1', at, at + length);
  return digits.length === length && /^[0-9a-fA-F]+$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
