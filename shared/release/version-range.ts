/**
 * Version ranges as `keyturn.yaml` writes them: comparators `>=` `>` `<=` `<` `=` `^` `~` in front of one to three
 * numbers, white space meaning "and", `*` meaning any. A range without an operator is `=`.
 *
 * A subset of npm's grammar with its meaning: what a range leaves out may be anything (`=3.11` holds for 3.11.9,
 * `>3.11` begins at 3.12). Left out on purpose: `||`, hyphen ranges and pre-releases, which no tool on a host needs.
 */
type Version = readonly [number, number, number];

/** From `from` up to, not including, `until`. */
interface Range {
  readonly from: Version;
  readonly until: Version;
}

const COMPARATOR = /^(>=|>|<=|<|=|\^|~)?v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?$/;
const VERSION = /(?<![0-9.])(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?/;
const LOWEST: Version = [0, 0, 0];
const ABOVE_ALL: Version = [Number.POSITIVE_INFINITY, 0, 0];

/** The first thing that looks like a version in what a tool prints, such as `3.12.3`; undefined: there is none. */
export function findVersion(output: string): string | undefined {
  return VERSION.exec(output)?.[0];
}

/** Undefined when `range` is not of this grammar or `version` is none. */
export function isInRange(version: string, range: string): boolean | undefined {
  const ranges = parseRange(range);
  const match = VERSION.exec(version);
  if (!ranges || !match) return undefined;
  const seen: Version = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  return ranges.every(({ from, until }) => compare(seen, from) >= 0 && compare(seen, until) < 0);
}

/** Whether `range` is of this grammar. */
export function isVersionRange(range: string): boolean {
  return parseRange(range) !== undefined;
}

function parseRange(text: string): Range[] | undefined {
  if (text.trim() === '*') return [{ from: LOWEST, until: ABOVE_ALL }];
  // An operator may stand apart from its version.
  const ranges = text
    .trim()
    .replace(/([<>=^~])\s+/g, '$1')
    .split(/\s+/)
    .map(parseComparator);
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

function parseComparator(text: string): Range | undefined {
  const match = COMPARATOR.exec(text);
  if (!match) return undefined;
  const [major, minor, patch] = [match[2], match[3], match[4]].map((part) =>
    part === undefined ? undefined : Number(part),
  );
  const from: Version = [major ?? 0, minor ?? 0, patch ?? 0];
  const next = nextOf(from, patch !== undefined ? 2 : minor !== undefined ? 1 : 0);
  switch (match[1]) {
    case '>=':
      return { from, until: ABOVE_ALL };
    case '>':
      return { from: next, until: ABOVE_ALL };
    case '<=':
      return { from: LOWEST, until: next };
    case '<':
      return { from: LOWEST, until: from };
    case '~':
      return { from, until: nextOf(from, minor === undefined ? 0 : 1) };
    case '^':
      return { from, until: nextOf(from, firstThatCounts(from, { minor, patch })) };
    default:
      return { from, until: next };
  }
}

/** `^` holds the leftmost number that is not zero, or the last one that was written. */
function firstThatCounts(
  [major, minor]: Version,
  written: { minor: number | undefined; patch: number | undefined },
): 0 | 1 | 2 {
  if (major > 0 || written.minor === undefined) return 0;
  return minor > 0 || written.patch === undefined ? 1 : 2;
}

/** The lowest version that differs in the number at `place` or before it. */
function nextOf([major, minor, patch]: Version, place: 0 | 1 | 2): Version {
  if (place === 0) return [major + 1, 0, 0];
  return place === 1 ? [major, minor + 1, 0] : [major, minor, patch + 1];
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
