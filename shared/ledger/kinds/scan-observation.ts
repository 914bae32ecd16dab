/** What a scan for forbidden names and secrets saw: paths, rules and lines, never a value (P7). */
import { z } from 'zod';
import { LIMITS } from '../../limits.ts';
import { expectEqual, expectThat, type Finding, type Judged } from '../check-kind.ts';

/** How many offending places an observation names; the counts beside them are complete. */
export const SCAN_PLACE_COUNT = 100;

const path = z.string().max(LIMITS.pathBytes);
const count = z.int().min(0);

export const scanShape = {
  /** Every file and link that was looked at. */
  files: count,
  /** Files whose content was searched. */
  searched: count,
  binary: count,
  /** Text files over the bound of one search. */
  tooLarge: count,
  forbiddenCount: count,
  forbidden: z.array(z.strictObject({ path, pattern: z.string().max(1024) })).max(SCAN_PLACE_COUNT),
  secretCount: count,
  secrets: z.array(z.strictObject({ path, rule: z.string().max(128), line: count })).max(SCAN_PLACE_COUNT),
  /** The rule set and its version. */
  rules: z.string().max(128),
};
const scanSchema = z.strictObject(scanShape);
export type ScanObservation = z.infer<typeof scanSchema>;

export function judgeScan(seen: ScanObservation): Judged {
  return {
    expectations: [
      expectThat('files looked at', { expected: 'at least 1', actual: seen.files, met: seen.files > 0 }),
      expectEqual(
        'forbidden names',
        'none',
        placesOf(
          seen.forbiddenCount,
          seen.forbidden.map((found) => found.path),
        ),
      ),
      expectEqual(
        'secrets',
        'none',
        placesOf(
          seen.secretCount,
          seen.secrets.map(({ path, line, rule }) => `${path}:${line} (${rule})`),
        ),
      ),
    ],
    findings: tooLargeFinding(seen),
  };
}

/** Both numbers count: a list that was shortened to nothing still does not pass. */
function placesOf(total: number, places: readonly string[]): string {
  if (total === 0 && places.length === 0) return 'none';
  return `${Math.max(total, places.length)}: ${places.slice(0, 10).join(', ')}`;
}

function tooLargeFinding(seen: ScanObservation): Finding[] {
  if (seen.tooLarge === 0) return [];
  return [
    { code: 'file-not-searched', statement: `${seen.tooLarge} text files were too large to be searched for secrets` },
  ];
}
