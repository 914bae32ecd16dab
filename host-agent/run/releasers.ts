/** Who signed the release of a run, as it was when the run was admitted: they do not count as its approvers (separation). */
import { z } from 'zod';
import { loadFact } from '../checks/built-in/check-facts.ts';
import type { RunFacts } from '../checks/observe.ts';

const FACT = 'releasers';
const schema = z.array(z.string().regex(/^[0-9a-f]+$/)).min(1);

/** Public keys, in hexadecimal. To be called in the transaction that makes the run durable. */
export function saveReleasers(facts: RunFacts, releasers: readonly string[]): void {
  facts.save(FACT, [...releasers]);
}

/** Errors: `RejectedError` with `fact-missing`, for a run that an older agent admitted: it has to be deployed again. */
export function loadReleasers(facts: RunFacts): ReadonlySet<string> {
  return new Set(loadFact(facts, { name: FACT, schema }));
}
