/** What an enable order is judged with on this host: all that it leans on, read anew each time (P3). */
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { type Admission, admit, type EnableOffer, type GateFacts } from '../../shared/orders/admit.ts';
import type { Enable } from '../../shared/rpc/generated/messages.ts';
import { expiryOf, fileNameOf, TOP_LEVEL_ROLES } from '../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../shared/trust/tuf-refresh.ts';
import { killFileAt } from '../local/kill-file.ts';
import { readPolicy } from '../trust/policy.ts';
import type { OrderMeans } from './order-means.ts';
import { readGround, standingRelease } from './standing-run.ts';

export interface EnableJudge {
  readonly freshUntilMs: number;
  /** Synchronous: between this and what follows from it nothing can happen. */
  readonly decide: (gate: GateFacts) => Admission;
}

/** Errors: those of `readPolicy`; `TransientError` when the disk is in the way, or a kill may be on its way. */
export async function judgeOf(enable: Enable, means: OrderMeans): Promise<EnableJudge> {
  const { policy } = await readPolicy(means);
  const ground = await readGround(enable.runId, means);
  const freshUntilMs = freshUntil(means.trusted()) + (means.trustLeewayMs ?? 0);
  return {
    freshUntilMs,
    decide: (gate) => {
      checkCaughtUp(means);
      checkNoKillFile(means.killFile);
      const standing = ground && standingRelease(ground, means);
      return admit(offerOf(enable, means.host), {
        ...gate,
        host: means.host,
        labels: means.labels,
        policy,
        standing: standing?.app === enable.app ? standing : undefined,
        freshUntilMs,
      });
    },
  };
}

/** P4: a kill that was ordered later counts before an order that was sent earlier, in whichever session each of them comes. */
function checkCaughtUp({ isCaughtUp }: Pick<OrderMeans, 'isCaughtUp'>): void {
  if (isCaughtUp()) return;
  throw new TransientError('failed to open the gate: what the control plane has for this host has not all arrived');
}

/** Throws while something is there by that name: it needs no signature, no network and no agent to be made. */
export function checkNoKillFile(path: string): void {
  if (killFileAt(path) === undefined) return;
  throw new RejectedError('kill-file-present', `refused to open the gate: "${path}" is there`, {
    hint: 'remove it once execution may be enabled again; that alone opens nothing',
  });
}

/** The first of the top-level roles to expire ends it. */
export function freshUntil(trusted: TrustedMetadata): number {
  const expiries = TOP_LEVEL_ROLES.map((role) => trusted.get(fileNameOf(role)));
  return Math.min(...expiries.map((bytes) => (bytes === undefined ? 0 : expiryOf(bytes).getTime())));
}

function offerOf(enable: Enable, host: string): EnableOffer {
  const { runId, head, epoch, envelope, evidenceIndex, evidencePath, logProof, logConsistency } = enable;
  return {
    envelope,
    evidence: { leaf: { host, run: runId, head, epoch }, index: evidenceIndex, path: evidencePath },
    logProof,
    consistency: logConsistency,
  };
}
