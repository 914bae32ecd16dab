/** A figure of the benchmark: a value, a target, and whether the one meets the other. */
import { type Pair, ratiosOf, type Spread, spreadOf } from './statistics.ts';

export interface Target {
  readonly is: 'at-most' | 'at-least';
  readonly value: number;
}

/** One figure, by one module. */
export interface Figure<Bench> {
  /** `deploy-vs-bash`; what `--only` takes. */
  readonly name: string;
  /** What is measured, for a reader who knows none of the code. */
  readonly title: string;
  /** `ratio`, `ms`, `MiB`. */
  readonly unit: string;
  readonly target: Target;
  /** Errors: `PeerMissing` when what it is compared with is not on this machine. */
  readonly measure: (bench: Bench) => Promise<Reading>;
}

/** What a measurement has found. */
export interface Reading {
  readonly value: number;
  /** How far the readings, or the ratios of the pairs, lie apart. */
  readonly spread: Spread;
  /** Both sides of a ratio in their own unit; the one side of a value. */
  readonly sides: readonly Side[];
  /** What a reader must know to judge the value. */
  readonly notes?: readonly string[];
}

export interface Side {
  readonly name: string;
  readonly unit: string;
  readonly spread: Spread;
  /** In the order in which they were taken. */
  readonly readings: readonly number[];
}

export type FigureResult = Omit<Figure<never>, 'measure'> & { readonly met: boolean } & (
    | (Reading & { readonly reason?: undefined })
    | { readonly value: null; readonly reason: string }
  );

/** The median of the pairs' ratios. */
export function readingOfPairs(
  pairs: readonly Pair[],
  { ours, theirs, unit, notes }: { ours: string; theirs: string; unit: string; notes?: readonly string[] },
): Reading {
  const spread = spreadOf(ratiosOf(pairs));
  const sides = [
    sideOf(ours, { unit, readings: pairs.map((pair) => pair.ours) }),
    sideOf(theirs, { unit, readings: pairs.map((pair) => pair.theirs) }),
  ];
  return { value: spread.median, spread, sides, ...(notes && { notes }) };
}

/** The median of one side's readings. */
export function readingOfSide(side: Side, notes?: readonly string[]): Reading {
  return { value: side.spread.median, spread: side.spread, sides: [side], ...(notes && { notes }) };
}

export function sideOf(name: string, { unit, readings }: { unit: string; readings: readonly number[] }): Side {
  return { name, unit, readings, spread: spreadOf(readings) };
}

export function isMet(value: number, target: Target): boolean {
  return target.is === 'at-most' ? value <= target.value : value >= target.value;
}

/** `<= 0.33`, `>= 0.5`. */
export function targetText({ is, value }: Target): string {
  return `${is === 'at-most' ? '<=' : '>='} ${value}`;
}
