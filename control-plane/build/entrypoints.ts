import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { DeclaredEntrypointsObservation } from '../../shared/ledger/kinds/declared-entrypoints.ts';
import { type EntrypointTarget, found, missing, resolveTarget } from '../../shared/release/entrypoint-target.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { Entrypoint, Plan } from '../../shared/release/plan.ts';
import { forEachInParallel } from '../../shared/store/in-parallel.ts';
import type { Checkout } from './checkout.ts';
import { endText } from './run-command.ts';

const PROBE_TIMEOUT_MS = 30_000;
const PROBES_AT_ONCE = 4;

type SeenEntrypoint = DeclaredEntrypointsObservation['entrypoints'][number];

export interface EntrypointPlaces {
  readonly manifest: Manifest;
  readonly checkout: Checkout;
  readonly signal: AbortSignal | undefined;
}

/** Looks for each declared entrypoint, in the order of their names. */
export async function observeEntrypoints(
  plan: Plan,
  places: EntrypointPlaces,
): Promise<DeclaredEntrypointsObservation> {
  const modes = new Map(
    places.manifest.entries.map((entry) => [entry.path, entry.kind === 'file' ? entry.mode : 0o777]),
  );
  const names = Object.keys(plan.entrypoints).sort();
  const seen = new Map<string, SeenEntrypoint>();
  await forEachInParallel(names, { width: PROBES_AT_ONCE, signal: places.signal }, async (name) => {
    const entrypoint = plan.entrypoints[name] as Entrypoint;
    const target = resolveTarget(entrypoint.argv, { modeInTree: (path) => modes.get(path), findProgram });
    const { resolves, to } = target.resolves ? await probe(entrypoint, { target, places }) : target;
    seen.set(name, { name, resolves, how: to.slice(0, 512) });
  });
  places.signal?.throwIfAborted();
  return { entrypoints: names.flatMap((name) => seen.get(name) ?? []) };
}

/** Entrypoints that a check of the plan starts, by name. */
export function entrypointsInUse({ gates }: Plan): string[] {
  const named = gates.flatMap(({ checks }) => checks.map(({ params }) => params.entrypoint));
  return [...new Set(named.filter((name) => typeof name === 'string'))].sort();
}

/** A live entrypoint is never started here, with whatever arguments. */
async function probe(
  { argv, probe, live }: Entrypoint,
  { target, places }: { target: EntrypointTarget; places: EntrypointPlaces },
): Promise<EntrypointTarget> {
  if (probe === undefined || live) return target;
  const { end } = await places.checkout.run([...argv, ...probe], {
    timeoutMs: PROBE_TIMEOUT_MS,
    signal: places.signal,
  });
  const answer = `"${[...argv, ...probe].join(' ').slice(0, 400)}" ended with ${endText(end)}`;
  return end.how === 'exited' && end.code === 0 ? found(`${target.to}; ${answer}`) : missing(answer);
}

/** An absolute path is a host's: the build machine has no say in it. */
function findProgram(program: string): EntrypointTarget {
  if (program.startsWith('/')) return found(`program ${program}`);
  const folders = (process.env.PATH ?? '/usr/bin:/bin').split(delimiter);
  return folders.some((folder) => isExecutable(join(folder, program)))
    ? found(`program ${program}`)
    : missing(`no program "${program}" on the build machine`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not executable: either way it cannot be started
  }
}
