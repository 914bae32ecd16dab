/** Words of one kind for the same things, in what is shown before somebody signs. */

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 24 * 60 * 60 * 1000],
  ['h', 60 * 60 * 1000],
  ['min', 60 * 1000],
  ['s', 1000],
  ['ms', 1],
];
/** More names than that are no longer read. */
const NAMED_COUNT = 8;

/** Exact: `1 d 2 h`, `90 s` is `1 min 30 s`. */
export function durationText(ms: number): string {
  let rest = ms;
  const parts: string[] = [];
  for (const [name, unitMs] of UNITS) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.length === 0 ? '0 ms' : parts.join(' ');
}

export function hostCountText(count: number): string {
  return count === 1 ? '1 host' : `${count} hosts`;
}

/** `2 hosts: a, b`. */
export function namedHostsText(hosts: readonly string[]): string {
  const named = hosts.slice(0, NAMED_COUNT).join(', ');
  const others = hosts.length - NAMED_COUNT;
  return `${hostCountText(hosts.length)}: ${named}${others > 0 ? ` and ${others} more` : ''}`;
}

/** A command line as the plan has it: no shell reads it. */
export function argvText(argv: readonly string[]): string {
  return JSON.stringify(argv);
}

/** A comma may be part of a path. */
export function pathsText(paths: readonly string[]): string {
  return paths.length === 0 ? 'none' : JSON.stringify(paths);
}

export function yesNo(answer: boolean): string {
  return answer ? 'yes' : 'no';
}
