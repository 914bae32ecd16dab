/** Patterns that a plan lays over text on the host, and what is seen of a match. */
import { z } from 'zod';
import { expectThat } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

/** Multi-line: `^` and `$` stand at line ends. Case is ignored inside `(?i:...)`. */
export const PATTERN_FLAGS = 'm';

/** A JavaScript regular expression, without slashes and flags. The host bounds how long it may search. */
export const patternSchema = z.string().min(1).max(1024).refine(isPattern, 'expected a regular expression');

export const textExpectationSchema = z.strictObject({ matches: patternSchema });
export type TextExpectation = z.infer<typeof textExpectationSchema>;

export const textMatchSchema = z.strictObject({
  /** `undecided`: the pattern was still searching when its time was over. */
  matched: z.enum(['yes', 'no', 'undecided']),
  /** The matched text, or what the text ends with; cut and redacted. */
  excerpt: z.string().max(512),
});
export type TextMatch = z.infer<typeof textMatchSchema>;

/** An observation without the match that was asked for leaves the expectation unmet. */
export function expectMatch(what: string, pattern: string, match: TextMatch | undefined): Expectation {
  return expectThat(what, {
    expected: `matches /${pattern}/`,
    actual: matchText(match),
    met: match?.matched === 'yes',
  });
}

function matchText(match: TextMatch | undefined): string {
  if (!match) return 'was not looked at';
  if (match.matched === 'yes') return match.excerpt;
  if (match.matched === 'undecided') return 'pattern ran out of time';
  return match.excerpt === '' ? 'nothing' : `no match, ends with: ${match.excerpt}`;
}

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, PATTERN_FLAGS);
    return true;
  } catch {
    return false; // the only thing that a RegExp constructor throws is a SyntaxError
  }
}
