/** What is said of a series of readings: the median, and how far they lie apart. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** Errors: `RangeError` when there is no reading. */
export function spreadOf(readings: readonly number[]): Spread {
  const sorted = readings.toSorted((a, b) => a - b);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) throw new RangeError('failed to take a median: there is no reading');
  return { median: middleOf(sorted), least, most, count: sorted.length };
}

/** One reading of each side, taken one after the other. */
export interface Pair {
  readonly ours: number;
  readonly theirs: number;
}

/** The ratio of each pair; whatever else the machine does in between touches both sides of a pair alike. */
export function ratiosOf(pairs: readonly Pair[]): number[] {
  return pairs.map(({ ours, theirs }) => {
    if (!(theirs > 0)) throw new RangeError(`failed to divide ${ours} by ${theirs}: expected a divisor above 0`);
    return ours / theirs;
  });
}

function middleOf(sorted: readonly number[]): number {
  const upper = sorted[sorted.length >> 1] as number;
  if (sorted.length % 2 === 1) return upper;
  return ((sorted[(sorted.length >> 1) - 1] as number) + upper) / 2;
}
