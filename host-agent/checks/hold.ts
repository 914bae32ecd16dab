/**
 * How far a dry run is, as one durable fact of its run: what was counted before it began, where it was let past, and where it
 * waits for people, with what they ruled. One fact, so that no crash can leave half of it.
 */
import { z } from 'zod';
import type { Json } from '../../shared/canonical-json.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { Ruling } from '../../shared/orders/ruling.ts';
import type { InvariantReading } from './invariants.ts';
import type { RunFacts } from './observe.ts';

const stopGate = z.string().max(16);

const schema = z.strictObject({
  before: z.array(z.json()),
  /** Stop gates that were passed, in order. */
  passed: z.array(stopGate),
  hold: z
    .strictObject({
      stopGate,
      /** The token that takes the dry run past it; opaque, and shown to nobody. */
      resume: z.string().max(65_536),
      decision: z.enum(['proceed', 'stop']).optional(),
    })
    .optional(),
});

export interface Hold {
  readonly stopGate: string;
  readonly resume: string;
  readonly decision?: 'proceed' | 'stop' | undefined;
}

export interface DryrunProgress {
  readonly before: readonly InvariantReading[];
  readonly passed: readonly string[];
  readonly hold?: Hold | undefined;
}

/** Undefined for one that has not begun. Errors: `RejectedError('fact-malformed')`. */
export function loadProgress(facts: RunFacts, check: string): DryrunProgress | undefined {
  const fact = facts.load(factOf(check));
  if (fact === undefined) return undefined;
  const parsed = schema.safeParse(fact);
  // What was counted is checked with the evidence that it goes into.
  if (parsed.success) return parsed.data as unknown as DryrunProgress;
  throw new RejectedError('fact-malformed', `failed to read how far dry run "${check}" is: ${parsed.error.message}`);
}

export function saveProgress(facts: RunFacts, check: string, progress: DryrunProgress): void {
  facts.save(factOf(check), progress as unknown as Json);
}

/** To be called in the transaction that records the ruling. */
export function saveRuling(facts: RunFacts, { check, decision }: Ruling): void {
  const progress = loadProgress(facts, check);
  if (!progress?.hold || decision === 'waive') return;
  saveProgress(facts, check, { ...progress, hold: { ...progress.hold, decision } });
}

function factOf(check: string): string {
  return `dryrun:${check}`;
}
