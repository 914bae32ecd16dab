/**
 * From the text of a `keyturn.yaml` to a plan with every default filled in. Either the whole file is understood, or
 * all its problems are listed at once.
 */
import type { AnyCheckKind } from '../ledger/check-kind.ts';
import { readGates } from './keyturn-yaml/checks.ts';
import { readYaml } from './keyturn-yaml/document.ts';
import { KeyturnYamlRefused, problemsOf } from './keyturn-yaml/problems.ts';
import { referenceProblems } from './keyturn-yaml/references.ts';
import { type KeyturnYaml, keyturnYamlSchema } from './keyturn-yaml/schema.ts';
import { type Entrypoint, encodePlan, type Plan } from './plan.ts';

export { KeyturnYamlRefused, type PlanProblem } from './keyturn-yaml/problems.ts';

export const KEYTURN_YAML_NAME = 'keyturn.yaml';

/** How long a project's own tests may take unless its `keyturn.yaml` says otherwise. */
export const TESTS_TIMEOUT_MS = 600_000;

export interface KeyturnYamlContext {
  readonly version: string;
  /** The kinds that a plan may name, by their names. */
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
}

/**
 * Errors: `KeyturnYamlRefused` (`keyturn-yaml-malformed`, with all problems), `RejectedError` with
 * `keyturn-yaml-too-large`, `keyturn-yaml-unreadable`, or a code of `parsePlan`.
 */
export function parseKeyturnYaml(text: string, { version, kinds }: KeyturnYamlContext): Plan {
  const value = readYaml(text);
  const parsed = keyturnYamlSchema.safeParse(value);
  const shapeProblems = parsed.success ? [] : problemsOf(parsed.error, { schema: keyturnYamlSchema, value, at: [] });
  const { gates, problems: checkProblems } = readGates(parsed.success ? parsed.data.gates : gatesIn(value), kinds);
  if (!parsed.success || checkProblems.length > 0) throw new KeyturnYamlRefused([...shapeProblems, ...checkProblems]);
  const plan = planOf(parsed.data, { version, gates });
  const references = referenceProblems(plan);
  if (references.length > 0) throw new KeyturnYamlRefused(references);
  encodePlan(plan);
  return plan;
}

/** The checks of a file that is wrong elsewhere are read as well, so that all problems are told at once. */
function gatesIn(value: unknown): KeyturnYaml['gates'] {
  const gates = keyturnYamlSchema.shape.gates.safeParse((value as { gates?: unknown } | null)?.gates);
  return gates.success ? gates.data : undefined;
}

function planOf(written: KeyturnYaml, { version, gates }: { version: string; gates: Plan['gates'] }): Plan {
  return {
    schema: 'keyturn.plan/v1',
    app: written.name,
    version,
    ...(written.version && { declaredVersion: written.version }),
    install: { root: written.install.root, preserve: written.install.preserve ?? [] },
    artifact: { forbid: written.artifact?.forbid ?? [] },
    ...testsOf(written, gates),
    requires: { tools: toolsOf(written) },
    secrets: written.secrets ?? [],
    entrypoints: entrypointsOf(written),
    invariants: written.invariants ?? {},
    ...(written.parallel !== undefined && { parallel: written.parallel }),
    gates,
  };
}

/** Without tests of its own, G1 runs what the first G5 check with test counts runs. */
function testsOf({ tests }: KeyturnYaml, gates: Plan['gates']): Pick<Plan, 'tests'> {
  if (tests) {
    const { min = 1, failed = 0 } = tests.expect?.tests ?? {};
    return { tests: { argv: tests.argv, min, failed, timeoutMs: tests.timeoutMs ?? TESTS_TIMEOUT_MS } };
  }
  const counted = gates
    .find(({ gate }) => gate === 'G5')
    ?.checks.find(({ kind, params }) => kind === 'exec' && countsIn(params));
  if (!counted) return {};
  const { min = 1, failed = 0 } = countsIn(counted.params) ?? {};
  return { tests: { argv: counted.params.argv as string[], min, failed, timeoutMs: counted.timeoutMs } };
}

function countsIn(params: Readonly<Record<string, unknown>>): { min?: number; failed?: number } | undefined {
  return (params.expect as { tests?: { min?: number; failed?: number } } | undefined)?.tests;
}

function toolsOf({ requires }: KeyturnYaml): Plan['requires']['tools'] {
  const tools = Object.entries(requires?.tools ?? {}).map(([name, tool]) => {
    const { version, optional = false, argv = ['--version'] } = typeof tool === 'string' ? { version: tool } : tool;
    return [name, { ...(version !== undefined && { version }), optional, argv }] as const;
  });
  return Object.fromEntries(tools);
}

function entrypointsOf({ entrypoints }: KeyturnYaml): Record<string, Entrypoint> {
  const filled = Object.entries(entrypoints ?? {}).map(
    ([name, { argv, live, stopGates, probe, network, writable, secrets, schedule }]) => {
      const entrypoint: Entrypoint = {
        argv,
        live: live ?? false,
        stopGates: stopGates ?? [],
        ...(probe && { probe }),
        network: network ?? false,
        writable: writable ?? [],
        ...(secrets && { secrets }),
        ...(schedule !== undefined && { schedule }),
      };
      return [name, entrypoint] as const;
    },
  );
  return Object.fromEntries(filled);
}
