/**
 * What a refusal drill offers a host, and how the host has to answer. An answer is good only when it is a refusal with exactly the
 * code that the row is about: another code means that the rule which was drilled did not speak (P6).
 */
import type { Answer } from './receipt.ts';

/** Stands on no host: what is done to it harms nobody. */
export const DRILL_APP = 'keyturn-drill';

/** The fixed set, in the order in which it is offered. */
export const DRILL_ROWS = [
  'unknown-field',
  'wrong-signer',
  'tampered',
  'below-threshold',
  'wrong-evidence',
  'wrong-host',
  'wrong-log',
  'expired',
  'not-yet-valid',
  'earlier-epoch',
  'replayed',
] as const;
export type DrillRowName = (typeof DRILL_ROWS)[number];

/** Orders that approvers have to sign for a drill, each of them dead from the day on which it is signed. */
export const PREPARED_ROWS = ['expired', 'not-yet-valid', 'earlier-epoch', 'wrong-host', 'wrong-evidence'] as const;
export type PreparedRowName = (typeof PREPARED_ROWS)[number];

/** The code that each row is refused with; of `replayed` it depends on what became of the order since. */
export const DRILL_CODES: Readonly<Record<Exclude<DrillRowName, 'replayed'>, string>> = {
  'unknown-field': 'envelope-malformed',
  'wrong-signer': 'signature-threshold-not-met',
  tampered: 'signature-threshold-not-met',
  'below-threshold': 'quorum-not-met',
  'wrong-evidence': 'evidence-differs',
  'wrong-host': 'evidence-not-in-order',
  'wrong-log': 'note-unsigned',
  expired: 'order-expired',
  'not-yet-valid': 'order-not-yet-valid',
  'earlier-epoch': 'order-of-another-epoch',
};

export interface DrillResult {
  /** The code that was expected; undefined when the row was not run. */
  readonly expected: string | undefined;
  /** What the host has answered; undefined while it has not. */
  readonly answer: Answer | undefined;
  readonly code: string | undefined;
}

export type DrillVerdict = 'refused' | 'refused otherwise' | 'ADMITTED' | 'no answer' | 'not run';

export function drillVerdict({ expected, answer, code }: DrillResult): DrillVerdict {
  if (answer !== undefined && answer !== 'refused') return 'ADMITTED';
  if (expected === undefined) return 'not run';
  if (answer === undefined) return 'no answer';
  return code === expected ? 'refused' : 'refused otherwise';
}

/** Of a whole drill: failed by any answer that is not the expected one, open while one is missing (P6). */
export function verdictOfDrill(results: readonly DrillResult[]): 'passed' | 'failed' | 'open' {
  const verdicts = results.map(drillVerdict);
  if (verdicts.some((verdict) => verdict === 'ADMITTED' || verdict === 'refused otherwise')) return 'failed';
  return verdicts.length > 0 && verdicts.every((verdict) => verdict === 'refused') ? 'passed' : 'open';
}

/** The value that the given share of all values does not exceed: one that was measured. Undefined of none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
