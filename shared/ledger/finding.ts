/** What the checks of a run found beside its statuses: facts, each of them once. Pure. */
import type { Finding } from './check-kind.ts';

/** Where a fact was found. */
export interface FindingPlace {
  readonly gate: string;
  readonly check: string;
  /** Among the findings of that check, from 0. */
  readonly index: number;
  readonly evidenceId: string;
}

/** What one check found. */
export interface FoundFinding extends Finding, FindingPlace {}

/** One fact, however many checks of a run came upon it: where it was found first, and where again. */
export interface FindingRow extends FoundFinding {
  readonly again: readonly FindingPlace[];
}

/** Findings of one code that say the same are one; it stands where the first of them stood. */
export function onePerFact(findings: readonly FoundFinding[]): FindingRow[] {
  const facts = new Map<string, FoundFinding[]>();
  for (const finding of findings) {
    const fact = `${finding.code} ${finding.statement}`;
    const finders = facts.get(fact) ?? [];
    finders.push(finding);
    facts.set(fact, finders);
  }
  return [...facts.values()].flatMap(([first, ...others]) => {
    const again = others.map(({ code, statement, ...place }) => place);
    return first ? [{ ...first, again }] : [];
  });
}
