import { refusesLiveKind } from '../../shared/ledger/kinds/refuses-live.ts';
import { hashTree } from '../../shared/store/tree-reader.ts';
import { paramsOf, timeoutMsOf } from './check-params.ts';
import { entrypointOf } from './entrypoint-of.ts';
import { matchText } from './match-pattern.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';
import { runProcess } from './process-check.ts';

/**
 * Starts the live entrypoint as it would run in earnest, but without a permit, and sees whether it refuses. Should it not, nothing is
 * within its reach: no secret, no network and no writable path, whatever the plan declares for it.
 */
export async function observeRefusesLive(context: CheckContext): Promise<CheckOutcome> {
  const { check, places, release, signal } = context;
  const params = paramsOf(refusesLiveKind, check);
  const { argv, live } = entrypointOf(release.plan, params.entrypoint);
  const before = await hashTree(places.installPath, { signal });
  const run = await runProcess(context, {
    argv,
    network: false,
    secrets: [],
    timeoutMs: timeoutMsOf(refusesLiveKind, check),
  });
  if (run.did === 'end-the-check') return run.outcome;
  const after = await hashTree(places.installPath, { signal });
  const observation = {
    entrypoint: params.entrypoint,
    isLive: live,
    process: run.seen,
    output: matchText(params.matches, `${run.stdout}\n${run.stderr}`),
    treeBefore: before.digest,
    treeAfter: after.digest,
  };
  return { ...observed(observation), capsule: run.capsule };
}
