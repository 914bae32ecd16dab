/** Where a run is held, read from the ledger that its host signed. */
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';

export interface HeldAt {
  readonly check: string;
  readonly stopGate: string;
  readonly summary: string;
  readonly since: string;
}

/** Undefined for a run that is not held. */
export function heldAt({ summary, entries, plan }: VerifiedLedger): HeldAt | undefined {
  if (summary.phase !== 'held') return undefined;
  const last = entries.findLast(({ entry }) => entry.body.type === 'phase-entered')?.entry;
  if (last?.body.type !== 'phase-entered') return undefined;
  const [, stopGate = '', text = ''] = /^([A-Z][A-Z0-9-]{0,15}): ?(.*)$/s.exec(last.body.reason) ?? [];
  const recorded = new Set(
    entries.flatMap(({ entry: { body } }) => (body.type === 'check-recorded' ? [body.evidence.check] : [])),
  );
  // The checks of a plan are observed one after the other where one may be held: it is the first without evidence.
  const checks = plan.gates.flatMap((gate) => gate.checks);
  const check = checks.find(({ id, kind }) => kind === 'dryrun' && !recorded.has(id))?.id ?? '';
  return { check, stopGate, summary: text, since: last.at };
}
