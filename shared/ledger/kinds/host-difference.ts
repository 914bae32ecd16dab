/** What changed on a host between two fingerprints: a part of the observations of `one-path-added` and `rehearsal`. */
import { z } from 'zod';
import { expectThat } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

export const DIFFERENCE_KEY_COUNT = 64;
export const DIFFERENCE_KEY_LENGTH = 512;

const keys = z.array(z.string().max(DIFFERENCE_KEY_LENGTH)).max(DIFFERENCE_KEY_COUNT);

export const hostDifferenceSchema = z.strictObject({
  /** Such as `path:<name>`, `anchor:<name>`, `unit:<path>`, `cron:<path>`, `process:<pid>`, `port:<address>`. */
  added: keys,
  removed: keys,
  changed: keys,
  /** Keys that found no room in the lists. */
  leftOutCount: z.int().min(0),
});
export type HostDifference = z.infer<typeof hostDifferenceSchema>;

/** Expects the difference to be exactly `added`, and nothing else. */
export function expectDifference(added: readonly string[], seen: HostDifference): Expectation[] {
  const complete = seen.leftOutCount === 0;
  return [
    expectKeys('added to the host', { expected: added, actual: seen.added, complete }),
    expectKeys('removed from the host', { expected: [], actual: seen.removed, complete }),
    expectKeys('changed on the host', { expected: [], actual: seen.changed, complete }),
  ];
}

/** Expects exactly these keys in their order; a list that is not `complete` is never what was expected. */
export function expectKeys(
  what: string,
  { expected, actual, complete = true }: { expected: readonly string[]; actual: readonly string[]; complete?: boolean },
): Expectation {
  const met = complete && expected.length === actual.length && expected.every((key, index) => key === actual[index]);
  return expectThat(what, {
    expected: keysText(expected),
    actual: `${keysText(actual)}${complete ? '' : ', and more'}`,
    met,
  });
}

function keysText(keys: readonly string[]): string {
  return keys.length === 0 ? 'nothing' : keys.join(', ');
}
