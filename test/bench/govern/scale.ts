/** How much is measured: all of it, or little, to see that everything works. */

export interface Scale {
  readonly name: 'full' | 'quick';
  /** Readings of each side of a figure. */
  readonly readings: number;
  /** What takes a fraction of a millisecond is done so often for one reading. */
  readonly callsPerReading: number;
  /** Hosts of the order. */
  readonly hostCount: number;
  /** Leaves of the two logs. */
  readonly leaves: { readonly few: number; readonly many: number };
}

export function scaleOf(isQuick: boolean): Scale {
  return isQuick ? QUICK : FULL;
}

const FULL: Scale = {
  name: 'full',
  readings: 25,
  callsPerReading: 20,
  hostCount: 10_000,
  leaves: { few: 10_000, many: 1_000_000 },
};

const QUICK: Scale = {
  name: 'quick',
  readings: 5,
  callsPerReading: 5,
  hostCount: 500,
  leaves: { few: 500, many: 5_000 },
};

/** What a quick run makes smaller, for the notes of a figure; nothing in a full run. */
export function quickNote(scale: Scale, what: string): string[] {
  return scale.name === 'quick' ? [`quick run: ${what}`] : [];
}
