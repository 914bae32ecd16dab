/** The checks of a run by their ids, and those whose turn it is. */
import { type PlannedCheck, plannedChecks, removalCheck } from '../../shared/ledger/planned-checks.ts';
import type { RunState } from './machine.ts';
import type { OpenedRun } from './open-run.ts';

export type RunChecks = ReadonlyMap<string, PlannedCheck>;

export function checksOf({ release }: OpenedRun): RunChecks {
  return new Map([...plannedChecks(release), removalCheck(release)].map((check) => [check.id, check]));
}

/** Throws on an id that the release does not have. */
export function findCheck(checks: RunChecks, id: string): PlannedCheck {
  const check = checks.get(id);
  if (!check) throw new Error(`the release has no check "${id}"`);
  return check;
}

/** The checks of the gate that come next without anything between them. */
export function restOfGate({ remaining }: RunState): string[] {
  const [first] = remaining;
  if (first?.do !== 'observe') return [];
  const end = remaining.findIndex((next) => next.do !== 'observe' || next.gate !== first.gate);
  return remaining
    .slice(0, end === -1 ? remaining.length : end)
    .flatMap((next) => (next.do === 'observe' ? [next.check] : []));
}
