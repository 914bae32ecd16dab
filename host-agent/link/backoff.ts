/**
 * How long to wait before dialing again: a random time below a bound that doubles with each failure, so that ten
 * thousand agents do not return as one.
 */
const FIRST_BOUND_MS = 1_000;
export const LONGEST_BOUND_MS = 60_000;
/** Even the luckiest agent leaves the server this long. */
const SHORTEST_MS = 100;

/** `failures` in a row, from 1; `random` gives numbers from 0 up to, not including, 1. */
export function backoffMs(failures: number, random: () => number): number {
  const boundMs = Math.min(LONGEST_BOUND_MS, FIRST_BOUND_MS * 2 ** (failures - 1));
  return Math.max(SHORTEST_MS, Math.floor(random() * boundMs));
}

/** For a control plane that has answered, and refused: asking again soon would not change its mind. */
export function longBackoffMs(random: () => number): number {
  return Math.floor(LONGEST_BOUND_MS * (0.5 + random() / 2));
}
