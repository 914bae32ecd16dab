/** A ruling of people on a run of this host: past a stop gate or not, or without what a check left open. */
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { LedgerEntryBody } from '../../shared/ledger/entry.ts';
import { type AdmittedRuling, admitRuling, type Ruling as RulingStatement } from '../../shared/orders/ruling.ts';
import type { Ruling } from '../../shared/rpc/generated/messages.ts';
import { loadProgress, saveRuling } from '../checks/hold.ts';
import type { StoredDirective } from '../journal/directives.ts';
import { heldCheck, isResting, type RunState, step } from '../run/machine.ts';
import { loadReleasers } from '../run/releasers.ts';
import { readPolicy } from '../trust/policy.ts';
import { answer } from './answer.ts';
import { refuse } from './follow-enable.ts';
import type { OrderMeans } from './order-means.ts';
import { readOwnLedger } from './standing-run.ts';

/** Returns the run that goes on, if any. Errors: `TransientError` when it must be tried again, and those of the journal. */
export async function followRuling(
  ruling: Ruling,
  stored: StoredDirective,
  means: OrderMeans,
): Promise<string | undefined> {
  const { runId, envelope } = ruling;
  let app = '';
  try {
    const { policy } = await readPolicy(means);
    const state = restingRun(runId, means);
    const ledger = readOwnLedger(runId, means);
    app = ledger.admitted.app;
    const admitted = admitRuling(
      { envelope, logProof: ruling.logProof, consistency: ruling.logConsistency },
      {
        policy,
        host: means.host,
        labels: means.labels,
        run: runId,
        head: ledger.head.head,
        releasers: loadReleasers(means.store.facts(runId)),
        seen: (origin) => means.gates.checkpointOf(origin),
      },
    );
    const next =
      admitted.ruling.decision === 'waive'
        ? waived(admitted.ruling, { state, ledger })
        : ruled(admitted.ruling, { state, runId, means });
    means.store.commit(runId, { state: next.state, bodies: [rulingBody(admitted, envelope), ...next.bodies] }, () => {
      if (admitted.ruling.decision !== 'waive') saveRuling(means.store.facts(runId), admitted.ruling);
      means.gates.saveCheckpoint(admitted.checkpoint);
      means.settle(stored, undefined);
      answer({ app, order: envelope, answer: 'admitted' }, means);
    });
    return isResting(next.state) ? undefined : runId;
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code === 'journal-corrupt') throw error;
    refuse({ app, order: envelope, error }, stored, means);
    means.outbox.announce();
    return undefined;
  }
}

interface Next {
  readonly state: RunState;
  readonly bodies: readonly LedgerEntryBody[];
}

/** The check is observed again, and finds the ruling. */
function ruled(
  { check, stopGate, decision }: RulingStatement,
  { state, runId, means }: { state: RunState; runId: string; means: OrderMeans },
): Next {
  const held = heldCheck(state);
  const hold = held === undefined ? undefined : loadProgress(means.store.facts(runId), held)?.hold;
  if (!hold || held !== check || hold.stopGate !== stopGate) {
    const where = hold ? `at ${hold.stopGate} of check "${held}"` : 'nowhere';
    throw new RejectedError('ruling-not-awaited', `refused the ruling: the run is held ${where}`);
  }
  const reason = `${stopGate}: ruled to ${decision}`;
  return {
    state: step(state, { type: 'ruled' }),
    bodies: [{ type: 'phase-entered', from: 'held', to: 'checking', reason }],
  };
}

function waived(
  { check, expiresMs }: RulingStatement,
  { state, ledger }: { state: RunState; ledger: ReturnType<typeof readOwnLedger> },
): Next {
  const gap = ledger.summary.subGaps.find((candidate) => candidate.check === check);
  if (!gap || expiresMs === undefined) {
    throw new RejectedError('gap-unknown', `refused the ruling: the run has no sub-gap of check "${check}"`);
  }
  return { state, bodies: [] };
}

function rulingBody({ ruling, by }: AdmittedRuling, envelope: Uint8Array): LedgerEntryBody {
  const { check, decision, stopGate, expiresMs, reason } = ruling;
  return {
    type: 'ruling-recorded',
    check,
    decision,
    ...(stopGate !== undefined && { stopGate }),
    ...(expiresMs !== undefined && { expiresAt: new Date(expiresMs).toISOString() }),
    rulingDigest: sha256(envelope),
    by: [...by],
    reason,
  };
}

function restingRun(run: string, { store }: OrderMeans): RunState {
  if (!store.has(run) || store.isPruned(run)) {
    throw new RejectedError('run-unknown', `failed to find run "${run}" on this host`);
  }
  const state = store.state(run);
  if (isResting(state)) return state;
  throw new RejectedError('run-under-way', `failed to change run "${run}": it is still ${state.phase}`);
}
