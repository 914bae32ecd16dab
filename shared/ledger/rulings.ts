/** What people decided about a run, out of its ledger: the host has verified who they are, and its signature vouches for that. */
import type { LedgerEntryBody, SealedEntry } from './entry.ts';

type RulingRecorded = Extract<LedgerEntryBody, { type: 'ruling-recorded' }>;

export interface RulingRow {
  readonly check: string;
  readonly decision: 'proceed' | 'stop' | 'waive';
  readonly stopGate: string | undefined;
  readonly expiresAt: string | undefined;
  readonly by: readonly string[];
  readonly reason: string;
  readonly at: string;
  readonly evidenceId: string;
}

/** In their order. */
export function rulingsOf(entries: readonly SealedEntry[]): RulingRow[] {
  return entries.flatMap(rulingOf);
}

/** A later one stands in place of an earlier one. */
export function lastWaiver(check: string, entries: readonly SealedEntry[]): RulingRecorded | undefined {
  for (const { entry } of entries.toReversed()) {
    const { body } = entry;
    if (body.type === 'ruling-recorded' && body.decision === 'waive' && body.check === check) return body;
  }
  return undefined;
}

function rulingOf({ entry: { body, run, seq, at } }: SealedEntry): RulingRow[] {
  if (body.type !== 'ruling-recorded') return [];
  const { check, decision, stopGate, expiresAt, by, reason } = body;
  return [{ check, decision, stopGate, expiresAt, by, reason, at, evidenceId: `${run}#${seq}` }];
}
