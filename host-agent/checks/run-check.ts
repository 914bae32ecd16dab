/**
 * Runs one check and turns whatever comes of it into evidence.
 *
 * 1. Nothing that a check throws becomes a pass: a refusal blocks it, everything else loses it (P6).
 * 2. Nothing leaves here that is not redacted and within the bounds of a ledger entry (P7).
 * 3. A capsule of what failed is kept only where the kind's own judge finds an expectation unmet, so that a pass does not
 *    carry output around.
 */
import { canonicalText, type Json } from '../../shared/canonical-json.ts';
import { messageOf, RejectedError, TransientError } from '../../shared/errors.ts';
import type { AnyCheckKind } from '../../shared/ledger/check-kind.ts';
import { type Evidence, type EvidenceResult, evidenceSchema } from '../../shared/ledger/evidence.ts';
import type { PlannedCheck } from '../../shared/ledger/planned-checks.ts';
import { LIMITS } from '../../shared/limits.ts';
import { paramsOf, timeoutMsOf } from './check-params.ts';
import { cutEnd } from './cut-text.ts';
import { type CheckContext, type CheckOutcome, type HeldOutcome, isHeld, type Observe } from './observe.ts';
import { redactorOf } from './redactor.ts';

export interface RunCheckOptions {
  /** For the checks that a plan names. */
  readonly planChecks: ReadonlyMap<string, Observe>;
  /** For Keyturn's own checks, which no plan can name. */
  readonly builtInChecks: ReadonlyMap<string, Observe>;
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
  readonly now: () => Date;
  /** What a check gets above its timeout, which bounds its process: to hash, to stop, to read what is left. */
  readonly graceMs?: number;
}

const DEFAULT_GRACE_MS = 30_000;
/** Room for the rest of a ledger entry around the evidence. */
const ENTRY_REST_BYTES = 4096;
/** Characters of a reason or statement, as the schema of evidence has it. */
const MOST_TEXT = 4096;

/** Evidence, or that people have to rule first. */
export type Observed = Evidence | HeldOutcome;

/** Never rejects: what goes wrong is in the evidence. */
export async function observeCheck(context: CheckContext, options: RunCheckOptions): Promise<Observed> {
  const startedAt = options.now();
  const outcome = await safeOutcome(context, options);
  if (isHeld(outcome)) return outcome;
  const durationMs = Math.max(0, options.now().getTime() - startedAt.getTime());
  const { id: check, gate, kind } = context.check;
  const head = { check, gate, kind, startedAt: startedAt.toISOString(), durationMs };
  const evidence = evidenceSchema.safeParse({ ...head, ...outcome });
  return evidence.success && isWithinEntry(evidence.data)
    ? evidence.data
    : { ...head, result: lost('what the check saw does not fit into a ledger entry') };
}

/** The outcome of the check, redacted. */
async function safeOutcome(context: CheckContext, options: RunCheckOptions): Promise<CheckOutcome | HeldOutcome> {
  const outcome = await outcomeOf(context, options);
  try {
    const redacted = redactJson(outcome as unknown as Json, redactorOf(context)) as unknown as typeof outcome;
    if (isHeld(redacted)) return redacted;
    return { ...redacted, result: cutResult(redacted.result) };
  } catch {
    // Whatever is wrong with the secrets or with the value, its own message may hold what must not be said.
    return { result: lost('what the check saw could not be redacted') };
  }
}

async function outcomeOf(context: CheckContext, options: RunCheckOptions): Promise<CheckOutcome | HeldOutcome> {
  try {
    const { kind, observe } = findCheck(context.check, options);
    const params: unknown = paramsOf(kind, context.check);
    const deadlineMs = timeoutMsOf(kind, context.check) + (options.graceMs ?? DEFAULT_GRACE_MS);
    const outcome = await observeUntil(deadlineMs, { context, observe, graceMs: options.graceMs ?? DEFAULT_GRACE_MS });
    if (isHeld(outcome)) return outcome;
    return isEachMet(kind, { params, outcome }) ? { result: outcome.result } : outcome;
  } catch (error) {
    return { result: resultOfError(error, context) };
  }
}

/** A dot is in the ids of Keyturn's own checks alone; so a plan cannot have `rehearsal` run when it likes. */
function findCheck(check: PlannedCheck, { planChecks, builtInChecks, kinds }: RunCheckOptions) {
  const observe = (check.id.includes('.') ? builtInChecks : planChecks).get(check.kind);
  const kind = kinds.get(check.kind);
  if (observe && kind) return { observe, kind };
  throw new RejectedError(
    'check-kind-unknown',
    `failed to run check "${check.id}": this agent has no kind "${check.kind}" for it`,
  );
}

/** Aborts the check at its deadline and gives it up a grace later: it may then still be waiting, but nobody waits for it. */
async function observeUntil(
  deadlineMs: number,
  { context, observe, graceMs }: { context: CheckContext; observe: Observe; graceMs: number },
): Promise<CheckOutcome | HeldOutcome> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), deadlineMs);
  const signal = AbortSignal.any([context.signal, deadline.signal]);
  const given = givenUp(signal, graceMs);
  try {
    return await Promise.race([observe({ ...context, signal }), given.up]);
  } finally {
    clearTimeout(timer);
    given.cancel();
  }
}

function givenUp(signal: AbortSignal, graceMs: number): { up: Promise<never>; cancel: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => reject(new TransientError('the check did not end in time')), graceMs);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const cancel = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  return { up: promise, cancel };
}

function isEachMet(kind: AnyCheckKind, { params, outcome }: { params: unknown; outcome: CheckOutcome }): boolean {
  if (outcome.result.did !== 'observe') return false;
  const seen = kind.observation.safeParse(outcome.result.observation);
  if (!seen.success) return false;
  const { expectations } = kind.judge(params, seen.data);
  return expectations.length > 0 && expectations.every(({ met }) => met);
}

function resultOfError(error: unknown, { signal }: CheckContext): EvidenceResult {
  if (signal.aborted) return lost('the check was stopped before its end');
  if (error instanceof RejectedError) {
    return {
      did: 'block',
      reason: `${error.code}: ${withCauses(error)}`,
      needs: error.hint === undefined ? [] : [error.hint],
    };
  }
  return lost(withCauses(error));
}

function withCauses(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${withCauses(cause)}`;
}

function lost(reason: string): EvidenceResult {
  return { did: 'lose', reason };
}

/** Cut behind redaction, never before. */
function cutResult(result: EvidenceResult): EvidenceResult {
  switch (result.did) {
    case 'observe':
    case 'not-run':
      return result;
    case 'leave-a-gap':
      return { ...result, statement: cutEnd(result.statement, MOST_TEXT) };
    case 'block':
      return {
        ...result,
        reason: cutEnd(result.reason, MOST_TEXT),
        needs: result.needs.map((need) => cutEnd(need, MOST_TEXT)),
      };
    case 'lose':
      return { ...result, reason: cutEnd(result.reason, MOST_TEXT) };
  }
}

function redactJson(value: Json, redactText: (text: string) => string): Json {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map((item) => redactJson(item, redactText));
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, redactJson(member as Json, redactText)]));
}

function isWithinEntry(evidence: Evidence): boolean {
  try {
    return Buffer.byteLength(canonicalText(evidence)) <= LIMITS.ledgerEntryBytes - ENTRY_REST_BYTES;
  } catch {
    return false; // a number that is no safe integer: the ledger cannot hold it
  }
}
