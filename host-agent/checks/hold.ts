/** Where a dry run waits for people, as a durable fact of its run: what it showed, how it goes on, and what was ruled. */
import { z } from 'zod';
import type { Json } from '../../shared/canonical-json.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { Ruling } from '../../shared/orders/ruling.ts';
import type { RunFacts } from './observe.ts';

const schema = z.strictObject({
  stopGate: z.string().max(16),
  /** The token that takes the dry run past it; opaque, and shown to nobody. */
  resume: z.string().max(65_536),
  decision: z.enum(['proceed', 'stop']).optional(),
});
export type Hold = z.infer<typeof schema>;

/** Undefined for a check that does not wait, or that went on. Errors: `RejectedError('fact-malformed')`. */
export function loadHold(facts: RunFacts, check: string): Hold | undefined {
  const fact = facts.load(factOf(check));
  if (fact === undefined || fact === null) return undefined;
  const parsed = schema.safeParse(fact);
  if (parsed.success) return parsed.data;
  throw new RejectedError('fact-malformed', `failed to read where check "${check}" is held: ${parsed.error.message}`);
}

export function saveHold(facts: RunFacts, check: string, hold: Hold): void {
  facts.save(factOf(check), hold as unknown as Json);
}

/** To be called in the transaction that records the ruling. */
export function saveRuling(facts: RunFacts, { check, decision }: Ruling): void {
  const hold = loadHold(facts, check);
  if (hold && decision !== 'waive') saveHold(facts, check, { ...hold, decision });
}

function factOf(check: string): string {
  return `hold:${check}`;
}
