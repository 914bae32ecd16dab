/** What on a host refers to the target path: a part of the observations of `fingerprint-before` and `nothing-runs`. */
import { z } from 'zod';
import { expectThat, type Finding } from '../check-kind.ts';
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
  /** Folders of units or crontabs that are closed to the agent; the first of them. */
  unreadable: names,
  /** Processes of which the agent could see the arguments only, because they are another user's. */
  hiddenProcessCount: z.int().min(0),
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

/** What the agent had no right to look at: a reference there would not be seen. */
export function unseenFindings(seen: TargetReferencesSeen): Finding[] {
  // Without their number: it changes from one look to the next, and the fact does not. The observation has it.
  const hidden: Finding = {
    code: 'processes-hidden',
    statement:
      'some processes were judged by their arguments alone: program and working folder are closed to the agent',
  };
  const unreadable: Finding = {
    code: 'schedules-unreadable',
    statement: `units or cron entries in ${seen.unreadable.join(', ')} are closed to the agent`,
  };
  return [...(seen.unreadable.length > 0 ? [unreadable] : []), ...(seen.hiddenProcessCount > 0 ? [hidden] : [])];
}

function expectNone(what: string, found: readonly string[]): Expectation {
  const actual = found.length === 0 ? 'none' : found.join(', ');
  return expectThat(what, { expected: 'none', actual, met: found.length === 0 });
}
