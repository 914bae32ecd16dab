import { RejectedError } from '../../shared/errors.ts';
import type { Entrypoint, Plan } from '../../shared/release/plan.ts';

/** The plan's entrypoint of that name. Errors: `RejectedError('entrypoint-undeclared')`. */
export function entrypointOf(plan: Plan, name: string): Entrypoint {
  const declared = Object.hasOwn(plan.entrypoints, name) ? plan.entrypoints[name] : undefined;
  if (declared) return declared;
  throw new RejectedError(
    'entrypoint-undeclared',
    `failed to find entrypoint "${name}": the plan declares none of that name`,
  );
}
