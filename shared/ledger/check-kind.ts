/**
 * What a kind of check is: a schema of its parameters, a schema of what it observes, and a pure judge.
 *
 * The host only observes. Whether that is a pass is computed from the observation by `judge`, here and again by
 * whoever reads the ledger, with the same code (P6). A judge gives at least one expectation for whatever it is given.
 */
import type { z } from 'zod';
import type { Json } from '../canonical-json.ts';
import type { Expectation } from './status.ts';

/** An observation carried forward: it does not change a status, it is never lost. */
export interface Finding {
  /** Kebab-case, stable: `version-differs-from-tag`, `entrypoint-does-not-exist`, `tool-missing`, ... */
  readonly code: string;
  readonly statement: string;
}

export interface Judged {
  readonly expectations: readonly Expectation[];
  readonly findings: readonly Finding[];
}

export interface CheckKind<P, O> {
  readonly kind: string;
  readonly params: z.ZodType<P>;
  /** Canonical JSON: strings, safe integers, booleans, arrays, objects; bounded by `LIMITS.ledgerEntryBytes`. */
  readonly observation: z.ZodType<O>;
  /** How long one such check may take unless the plan says otherwise. */
  readonly timeoutMs: number;
  /**
   * Other checks of the gate may be observed at the same time. Absent where a check moves something, and where what it
   * sees could be a neighbour at work: such a check is observed alone.
   */
  readonly bearsCompany?: true;
  judge(params: P, observation: O): Judged;
}

// biome-ignore lint/suspicious/noExplicitAny: the registry holds kinds of all shapes; each parses before it judges
export type AnyCheckKind = CheckKind<any, any>;

/** Builds one expectation; `met` is whether the texts of both sides are equal. */
export function expectEqual(what: string, expected: Json, actual: Json): Expectation {
  const texts = { expected: asText(expected), actual: asText(actual) };
  return { what, ...texts, met: texts.expected === texts.actual };
}

/** Builds one expectation whose rule is more than equality; `expected` says the rule in words. */
export function expectThat(what: string, rule: { expected: string; actual: Json; met: boolean }): Expectation {
  return { what, expected: rule.expected, actual: asText(rule.actual), met: rule.met };
}

function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
