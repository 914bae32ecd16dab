import { type EntrypointObservation, entrypointKind } from '../../shared/ledger/kinds/entrypoint.ts';
import type { EntrypointTarget } from '../../shared/release/entrypoint-target.ts';
import { paramsOf, timeoutMsOf } from './check-params.ts';
import { cutEnd } from './cut-text.ts';
import { entrypointOf } from './entrypoint-of.ts';
import { resolveEntrypoint } from './entrypoint-resolution.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';
import { runProcess } from './process-check.ts';

/**
 * Sees where an entrypoint of the plan leads, and starts it with its probe where it declares one. A probe only says that the
 * program is there, so it gets no secret (P7); a check that needs one is an `exec`, which names it.
 */
export async function observeEntrypoint(context: CheckContext): Promise<CheckOutcome> {
  const { entrypoint } = paramsOf(entrypointKind, context.check);
  const { argv, probe } = entrypointOf(context.release.plan, entrypoint);
  const resolution = resolveEntrypoint(argv, context.manifest);
  const seen = (rest: EntrypointObservation['probe']) => observationOf(entrypoint, resolution, rest);
  if (!resolution.resolves) return observed(seen({ was: 'left-out' }));
  if (!probe) return observed(seen({ was: 'undeclared' }));
  const run = await runProcess(context, {
    argv: [...argv, ...probe],
    network: false,
    secrets: [],
    timeoutMs: timeoutMsOf(entrypointKind, context.check),
  });
  if (run.did === 'end-the-check') return run.outcome;
  return { ...observed(seen({ was: 'run', process: run.seen })), capsule: run.capsule };
}

function observationOf(
  entrypoint: string,
  resolution: EntrypointTarget,
  probe: EntrypointObservation['probe'],
): EntrypointObservation {
  return { entrypoint, resolution: { resolves: resolution.resolves, to: cutEnd(resolution.to, 1024) }, probe };
}
