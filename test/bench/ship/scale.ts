/** How much is measured: all of it, or little, to see that everything works. */

const MIB = 1024 * 1024;

export interface Scale {
  readonly name: 'full' | 'quick';
  /** Pairs of a figure. */
  readonly pairs: number;
  readonly startPairs: number;
  /** Sizes of the two transfers, smaller in a quick run. */
  readonly transferBytes: { readonly '100 MiB': number; readonly '1 GiB': number };
  readonly changed: { readonly files: number; readonly bytes: number };
  readonly growth: { readonly few: number; readonly many: number };
  /** Deployments before the first and before the last look at an agent's memory. */
  readonly deployments: { readonly first: number; readonly last: number };
  /** How long the deployments may take in all. */
  readonly deploymentsMs: number;
  /** As long as so much is free, nothing is deleted between pairs. */
  readonly freeBytes: number;
}

export function scaleOf(isQuick: boolean): Scale {
  return isQuick ? QUICK : FULL;
}

const FULL: Scale = {
  name: 'full',
  pairs: 5,
  startPairs: 25,
  transferBytes: { '100 MiB': 100 * MIB, '1 GiB': 1024 * MIB },
  changed: { files: 5_000, bytes: 119_000_000 },
  growth: { few: 5_000, many: 50_000 },
  deployments: { first: 10, last: 1_000 },
  deploymentsMs: 10 * 60_000,
  freeBytes: 20 * 1024 * MIB,
};

const QUICK: Scale = {
  name: 'quick',
  pairs: 2,
  startPairs: 7,
  transferBytes: { '100 MiB': 16 * MIB, '1 GiB': 64 * MIB },
  changed: { files: 500, bytes: 11_900_000 },
  growth: { few: 200, many: 2_000 },
  deployments: { first: 10, last: 100 },
  deploymentsMs: 3 * 60_000,
  freeBytes: 4 * 1024 * MIB,
};

/** What a quick run makes smaller, for the notes of a figure; nothing in a full run. */
export function quickNote(scale: Scale, what: string): string[] {
  return scale.name === 'quick' ? [`quick run: ${what}`] : [];
}
