import type { Evidence } from '../../shared/ledger/evidence.ts';
import type { PlannedCheck } from '../../shared/ledger/planned-checks.ts';
import type { OpenedRun } from './open-run.ts';

/** What the build machine saw, as the release engineers signed it, becomes the host's evidence of G0 to G2. */
export function builtEvidence(check: PlannedCheck, { opened, now }: { opened: OpenedRun; now: Date }): Evidence {
  const seen = opened.buildRecord.checks.find((built) => built.check === check.id);
  const head = { check: check.id, gate: check.gate, kind: check.kind, startedAt: now.toISOString(), durationMs: 0 };
  if (!seen) return { ...head, result: unbuiltResult(check, opened) };
  const observe = { ...head, result: { did: 'observe', observation: seen.observation } } satisfies Evidence;
  return seen.capsule ? { ...observe, capsule: seen.capsule } : observe;
}

function unbuiltResult({ kind }: PlannedCheck, { release }: OpenedRun): Evidence['result'] {
  if (kind !== 'source-tests' || release.plan.tests) {
    return { did: 'not-run', reason: 'the signed build record holds nothing of it' };
  }
  return {
    did: 'leave-a-gap',
    statement: 'the release declares no tests of its own, so none were run on the build machine',
    owner: 'release engineers',
    route: 'declare tests in keyturn.yaml',
  };
}
