/** Facts that Keyturn's own checks leave for later ones of the same run, and the shapes in which they are found again. */
import { z } from 'zod';
import { RejectedError } from '../../../shared/errors.ts';
import { type Fingerprint, parseFingerprint } from '../../install/fingerprint-difference.ts';
import type { RunFacts } from '../observe.ts';

const digestsByPath = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/));

/** The fingerprint taken before the installation. Errors: `RejectedError('fact-missing')`, and then the check is blocked. */
export function loadFingerprintBefore(facts: RunFacts): Fingerprint {
  return parseFingerprint(requireFact(facts, 'fingerprint-before'));
}

/** Digests of the preserved neighbours before the installation, by the plan's path; undefined before they are taken. */
export function loadAnchorsBefore(facts: RunFacts): Readonly<Record<string, string>> | undefined {
  const fact = facts.load('anchors-before');
  return fact === undefined ? undefined : readFact('anchors-before', digestsByPath, fact);
}

/** Errors: `RejectedError` with `fact-missing` or `fact-malformed`. */
export function loadFact<T>(facts: RunFacts, { name, schema }: { name: string; schema: z.ZodType<T> }): T {
  return readFact(name, schema, requireFact(facts, name));
}

function requireFact(facts: RunFacts, name: string): unknown {
  const fact = facts.load(name);
  if (fact !== undefined) return fact;
  throw new RejectedError('fact-missing', `failed to compare: this run has no "${name}" on record`);
}

function readFact<T>(name: string, schema: z.ZodType<T>, fact: unknown): T {
  const parsed = schema.safeParse(fact);
  if (parsed.success) return parsed.data;
  throw new RejectedError('fact-malformed', `failed to read "${name}": ${z.prettifyError(parsed.error)}`);
}
