/**
 * Searches with a plan's regular expression, in bounded time.
 *
 * V8 backtracks, so a pattern may search for years (`(a+)+$`). It runs in a context of `node:vm` with a timeout: V8 asks
 * between backtracking steps whether it has been told to stop. A worker thread could be stopped too, but would
 * cost 30 ms and 10 MB for each pattern. The agent does nothing else while a pattern searches, hence the small bound: a kill
 * waits for one pattern at most. The pattern and the text enter as values; the script is always the same.
 */
import { Script } from 'node:vm';
import { PATTERN_FLAGS, type TextMatch } from '../../shared/ledger/kinds/text-match.ts';
import { cutBeginning, cutEnd } from './cut-text.ts';

/** An honest pattern searches 1 MiB in a few milliseconds. */
export const PATTERN_MS = 250;
const EXCERPT_CHARACTERS = 512;

const SEARCH = new Script(`{
  const matches = [];
  for (const match of text.matchAll(new RegExp(pattern, flags))) {
    matches.push({ whole: match[0].slice(0, 1024), group: (match[1] ?? '').slice(0, 1024), index: match.index });
    if (matches.length === most) break;
  }
  JSON.stringify(matches);
}`);

export interface PatternMatch {
  readonly whole: string;
  /** The first group; empty where it took no part. */
  readonly group: string;
  /** In UTF-16 code units from the beginning. */
  readonly index: number;
}

/** The first `most` matches of `pattern`, or undefined when the time was over before they were found. */
export function findMatches(pattern: string, text: string, options: { most: number }): PatternMatch[] | undefined {
  const globals = { pattern, text, flags: `g${PATTERN_FLAGS}`, most: options.most };
  try {
    return JSON.parse(SEARCH.runInNewContext(globals, { timeout: PATTERN_MS })) as PatternMatch[];
  } catch (error) {
    if (isTimeout(error)) return undefined;
    throw error;
  }
}

/** Whether `text`, which is redacted already, has a match. */
export function matchText(pattern: string, text: string): TextMatch {
  const found = findMatches(pattern, text, { most: 1 });
  const [first] = found ?? [];
  if (first) return { matched: 'yes', excerpt: cutEnd(first.whole, EXCERPT_CHARACTERS) };
  return { matched: found ? 'no' : 'undecided', excerpt: cutBeginning(text.trimEnd(), EXCERPT_CHARACTERS) };
}

/** By its code alone: the error belongs to the other context, so it is no instance of this one's `Error`. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
