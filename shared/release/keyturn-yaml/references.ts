/** Names that one part of a plan uses and another declares: a check that names what is not there would never pass. */

import type { Entrypoint, Plan, PlanCheck } from '../plan.ts';
import { installationName } from '../release-statement.ts';
import { nearest } from './nearest.ts';
import type { PlanProblem } from './problems.ts';

export function referenceProblems(plan: Plan): PlanProblem[] {
  const own = installationName(plan.app, plan.version);
  return [
    ...plan.install.preserve
      .filter((name) => name === own)
      .map((name) => problem('install.preserve', name, 'another folder than the one this release adds')),
    ...repeated(plan.install.preserve).map((name) => problem('install.preserve', name, 'each name once')),
    ...repeated(plan.secrets).map((name) => problem('secrets', name, 'each name once')),
    ...Object.entries(plan.invariants).flatMap(([name, { sql }]) =>
      undeclared([sql.dsn], { path: `invariants.${name}.sql.dsn`, what: 'secret', known: plan.secrets }),
    ),
    ...Object.entries(plan.entrypoints).flatMap(([name, entrypoint]) =>
      problemsOfEntrypoint(name, { entrypoint, plan }),
    ),
    ...plan.gates.flatMap(({ gate, checks }) =>
      checks.flatMap((check) => problemsOfCheck(check, { plan, path: `gates.${gate}.${check.id}` })),
    ),
  ];
}

function problemsOfEntrypoint(
  name: string,
  { entrypoint: { secrets = [], schedule, live }, plan }: { entrypoint: Entrypoint; plan: Plan },
): PlanProblem[] {
  const path = `entrypoints.${name}`;
  const unknown = undeclared(secrets, { path: `${path}.secrets`, what: 'secret', known: plan.secrets });
  if (schedule === undefined || live) return unknown;
  return [...unknown, problem(`${path}.schedule`, schedule, 'an entrypoint that is marked live: true')];
}

function problemsOfCheck({ kind, params }: PlanCheck, { plan, path }: { plan: Plan; path: string }): PlanProblem[] {
  const entrypoints = textsIn(params.entrypoint);
  return [
    ...undeclared(entrypoints, {
      path: `${path}.entrypoint`,
      what: 'entrypoint',
      known: Object.keys(plan.entrypoints),
    }),
    ...undeclared(textsIn(params.invariants), {
      path: `${path}.invariants`,
      what: 'invariant',
      known: Object.keys(plan.invariants),
    }),
    ...undeclared(textsIn(params.dsn), { path: `${path}.dsn`, what: 'secret', known: plan.secrets }),
    ...undeclared(textsIn(params.secrets), { path: `${path}.secrets`, what: 'secret', known: plan.secrets }),
    ...entrypoints.flatMap((name) => livenessProblem(kind, { name, plan, path })),
  ];
}

/** A dry run must not start what may change production, and refusing is asked only of what may. */
function livenessProblem(
  kind: string,
  { name, plan, path }: { name: string; plan: Plan; path: string },
): PlanProblem[] {
  const live = plan.entrypoints[name]?.live;
  if (kind === 'refuses-live' && live === false)
    return [problem(`${path}.entrypoint`, name, 'an entrypoint that is marked live: true')];
  if (kind === 'dryrun' && live === true)
    return [problem(`${path}.entrypoint`, name, 'an entrypoint that is not marked live: true')];
  return [];
}

function undeclared(
  names: readonly string[],
  { path, what, known }: { path: string; what: string; known: readonly string[] },
): PlanProblem[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      const suggestion = near === undefined ? '' : `; did you mean "${near}"?`;
      return problem(
        path,
        name,
        `a declared ${what} (${known.length === 0 ? 'none is declared' : known.join(', ')})${suggestion}`,
      );
    });
}

function textsIn(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((text): text is string => typeof text === 'string');
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function problem(path: string, got: string, expected: string): PlanProblem {
  return { path, got: JSON.stringify(got), expected };
}
