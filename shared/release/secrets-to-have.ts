/**
 * Which secrets of a plan a host must have before anything begins. Those that only a dry run would use are left out: without
 * them it leaves a sub-gap, with an owner and a route, and the rest of the release can be proven all the same (P6).
 */
import type { Entrypoint, Plan } from './plan.ts';

/** In the order of the plan. */
export function secretsToHave(plan: Plan): string[] {
  const ofDryRuns = new Set([
    ...Object.values(plan.invariants).map(({ sql }) => sql.dsn),
    ...checksOf(plan, 'dryrun').flatMap((check) => dryRunSecrets(plan, check.params)),
  ]);
  const ofOthers = new Set(otherSecrets(plan));
  return plan.secrets.filter((name) => !ofDryRuns.has(name) || ofOthers.has(name));
}

/** What a dry run needs: the data sources of its invariants, and what its entrypoint is given. */
export function dryRunSecrets(plan: Plan, { entrypoint, invariants }: Readonly<Record<string, unknown>>): string[] {
  const dataSources = textsIn(invariants).flatMap((name) => own(plan.invariants, name)?.sql.dsn ?? []);
  return [...new Set([...dataSources, ...(own(plan.entrypoints, String(entrypoint))?.secrets ?? [])])];
}

/** Of checks that run at once, and of what is to run live. */
function otherSecrets(plan: Plan): string[] {
  const checks = plan.gates.flatMap((gate) => gate.checks).filter(({ kind }) => kind !== 'dryrun');
  const live = Object.values(plan.entrypoints).filter((entrypoint: Entrypoint) => entrypoint.live);
  return [
    ...checks.flatMap(({ params }) => [...textsIn(params.secrets), ...textsIn(params.dsn)]),
    ...live.flatMap(({ secrets = [] }) => secrets),
  ];
}

function checksOf(plan: Plan, kind: string) {
  return plan.gates.flatMap((gate) => gate.checks).filter((check) => check.kind === kind);
}

function textsIn(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((text): text is string => typeof text === 'string');
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
