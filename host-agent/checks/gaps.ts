/** Checks that this agent cannot run. They leave a gap that says what was not proven, and never a pass (P6). */
import { RejectedError } from '../../shared/errors.ts';
import { dryrunKind } from '../../shared/ledger/kinds/dryrun.ts';
import type { Plan } from '../../shared/release/plan.ts';
import { paramsOf } from './check-params.ts';
import { cutEnd } from './cut-text.ts';
import { entrypointOf } from './entrypoint-of.ts';
import type { CheckContext, CheckOutcome } from './observe.ts';

export async function leaveDryrunGap({ check, release }: CheckContext): Promise<CheckOutcome> {
  const { entrypoint, invariants } = paramsOf(dryrunKind, check);
  const { argv } = entrypointOf(release.plan, entrypoint);
  const command = cutEnd(argv.join(' '), 512);
  return gap(
    `a dry run of entrypoint ${entrypoint} (${command}) against live data${throughSecrets(release.plan, invariants)} was not run, ` +
      `and that ${invariants.join(', ')} stay the same around it was not proven: this agent cannot run dry runs`,
    'a later run with a dry-run capable agent',
  );
}

function throughSecrets(plan: Plan, invariants: readonly string[]): string {
  const secrets = new Set(invariants.map((invariant) => dsnOf(plan, invariant)));
  return ` through secret ${[...secrets].join(', ')}`;
}

function dsnOf(plan: Plan, invariant: string): string {
  const declared = Object.hasOwn(plan.invariants, invariant) ? plan.invariants[invariant] : undefined;
  if (declared) return declared.sql.dsn;
  throw new RejectedError(
    'invariant-undeclared',
    `failed to find invariant "${invariant}": the plan declares none of that name`,
  );
}

function gap(statement: string, route: string): CheckOutcome {
  return { result: { did: 'leave-a-gap', statement, owner: 'unassigned', route } };
}
