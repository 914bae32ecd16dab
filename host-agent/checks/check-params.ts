import { z } from 'zod';
import { RejectedError } from '../../shared/errors.ts';
import type { CheckKind } from '../../shared/ledger/check-kind.ts';
import type { PlannedCheck } from '../../shared/ledger/planned-checks.ts';

/** The check's parameters in the shape of its kind. Errors: `RejectedError('check-params-malformed')`. */
export function paramsOf<P, O>(kind: CheckKind<P, O>, check: PlannedCheck): P {
  const parsed = kind.params.safeParse(check.params);
  if (parsed.success) return parsed.data;
  throw new RejectedError(
    'check-params-malformed',
    `failed to read parameters of check "${check.id}" of kind "${kind.kind}": ${z.prettifyError(parsed.error)}`,
  );
}

/** How long the check may take: the plan's word, else the kind's. */
export function timeoutMsOf(kind: { readonly timeoutMs: number }, check: PlannedCheck): number {
  return check.timeoutMs ?? kind.timeoutMs;
}
