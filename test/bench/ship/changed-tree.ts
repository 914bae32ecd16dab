/**
 * A tree of many files and its next versions, twenty files changed in each. Two files of five are text, three are dense;
 * sizes are spread evenly over their logarithms, 1 KiB to 111 KiB. Of twenty changed files, each 24 to 40 KB:
 *
 * - eight get insertions at three places (one to three lines, or 64 to 255 bytes);
 * - eight get one line in twenty replaced, or one stretch of 64 bytes in twenty;
 * - four are entirely new.
 */
import { Seeded } from '../measure/seeded-content.ts';

export interface TreeFile {
  readonly path: string;
  readonly isText: boolean;
  /** When it was made; by this the files of a step are chosen, which their changes must not move. */
  readonly bytes: number;
  content: Buffer;
}

export const CHANGED_COUNT = 20;
const INSERTED_COUNT = 8;
const REPLACED_COUNT = 8;
const LEAST_EXPONENT = 10;
const EXPONENT_SPAN = 6.8;
const CHANGED_BYTES = { least: 24_000, most: 40_000 };

export function makeTree(count: number): TreeFile[] {
  const seeded = new Seeded('tree');
  return Array.from({ length: count }, (_, index) => {
    const bytes = Math.round(2 ** (LEAST_EXPONENT + (EXPONENT_SPAN * seeded.below(10_000)) / 10_000));
    const isText = index % 5 < 2;
    const name = String(index).padStart(5, '0');
    const path = `part-${String(index % 100).padStart(2, '0')}/file-${name}.${isText ? 'txt' : 'bin'}`;
    return { path, isText, bytes, content: contentOf(seeded, { isText, bytes }) };
  });
}

/** Changes twenty files that no earlier step has changed, and returns them. Errors: `RangeError` when none are left. */
export function changeTree(files: readonly TreeFile[], step: number): TreeFile[] {
  const { least, most } = CHANGED_BYTES;
  const suitable = files.filter(({ bytes }) => bytes >= least && bytes <= most);
  const stride = Math.floor(suitable.length / CHANGED_COUNT);
  if (step >= stride) throw new RangeError(`failed to change the tree: step ${step} of ${stride}`);
  const chosen = suitable.filter((_, index) => index % stride === step).slice(0, CHANGED_COUNT);
  const seeded = new Seeded(`change ${step}`);
  for (const [index, file] of chosen.entries()) file.content = changed(seeded, { file, index });
  return chosen;
}

function changed(seeded: Seeded, { file, index }: { file: TreeFile; index: number }): Buffer {
  // Kinds of change take turns, so that each falls on text and on dense files.
  const turn = (index * 7) % CHANGED_COUNT;
  if (turn < INSERTED_COUNT) return inserted(seeded, file);
  if (turn < INSERTED_COUNT + REPLACED_COUNT) return replaced(seeded, file);
  return contentOf(seeded, { isText: file.isText, bytes: file.content.length });
}

function inserted(seeded: Seeded, { isText, content }: TreeFile): Buffer {
  let result = content;
  for (let place = 0; place < 3; place += 1) {
    const at = isText ? lineStart(result, seeded.below(result.length)) : seeded.below(result.length);
    const lines = Array.from({ length: 1 + seeded.below(3) }, () => `${seeded.textLine()}\n`);
    const addition = isText ? Buffer.from(lines.join('')) : seeded.bytes(64 + seeded.below(192));
    result = Buffer.concat([result.subarray(0, at), addition, result.subarray(at)]);
  }
  return result;
}

function replaced(seeded: Seeded, { isText, content }: TreeFile): Buffer {
  if (isText) {
    const lines = content.toString('utf8').split('\n');
    return Buffer.from(
      lines.map((line) => (seeded.below(20) === 0 && line !== '' ? seeded.textLine() : line)).join('\n'),
    );
  }
  const result = Buffer.from(content);
  for (let at = 0; at + 64 <= result.length; at += 64) if (seeded.below(20) === 0) seeded.bytes(64).copy(result, at);
  return result;
}

function lineStart(content: Buffer, near: number): number {
  return content.lastIndexOf(0x0a, near) + 1;
}

function contentOf(seeded: Seeded, { isText, bytes }: { isText: boolean; bytes: number }): Buffer {
  return isText ? Buffer.from(`${seeded.textLines(bytes).join('\n')}\n`) : seeded.bytes(bytes);
}
