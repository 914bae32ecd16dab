/** What on a host refers to the target path: a part of the observations of `fingerprint-before` and `nothing-runs`. */
import { z } from 'zod';
import { expectThat } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

export const REFERENCE_COUNT = 64;
export const REFERENCE_LENGTH = 512;

const names = z.array(z.string().max(REFERENCE_LENGTH)).max(REFERENCE_COUNT);

/** The first of each. */
export const targetReferencesSchema = z.strictObject({
  units: names,
  cronEntries: names,
  /** `pid 4711 (argument)`: how it refers, never its arguments. */
  processes: names,
  /** That such a process listens on. */
  ports: names,
});
export type TargetReferencesSeen = z.infer<typeof targetReferencesSchema>;

export function expectNoReferences(seen: TargetReferencesSeen): Expectation[] {
  return [
    expectNone('systemd units and timers that name the target', seen.units),
    expectNone('cron entries that name the target', seen.cronEntries),
    expectNone('processes that refer to the target', seen.processes),
    expectNone('ports held by such processes', seen.ports),
  ];
}

function expectNone(what: string, found: readonly string[]): Expectation {
  const actual = found.length === 0 ? 'none' : found.join(', ');
  return expectThat(what, { expected: 'none', actual, met: found.length === 0 });
}
