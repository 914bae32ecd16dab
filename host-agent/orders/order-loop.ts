/**
 * Follows orders as they come, and looks after open gates. Runs beside the loop of the runs, so that neither waits for the
 * other: a kill's answer does not wait for a download.
 *
 * 1. Each order is tried in its turn; one that has to be tried again does not hold up those behind it.
 * 2. Whatever is no kill waits until all that the control plane had for this host has arrived: a kill may be behind it (P4).
 * 3. While a gate is open, an order is to be tried again or a kill to be told, it looks once a second; otherwise it sleeps until it is woken.
 */

import { messageOf, TransientError } from '../../shared/errors.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { Wakeup } from '../../shared/time/wakeup.ts';
import type { DirectiveLog, StoredDirective } from '../journal/directives.ts';
import { isOrder } from '../journal/is-order.ts';
import { explainJournalError } from '../journal/journal-error.ts';
import { followRunLive } from '../live/follow-run-live.ts';
import type { LiveMeans } from '../live/live-means.ts';
import { tellLost } from '../live/start-live.ts';
import type { HostKillAnswers } from './answer-host-kills.ts';
import { followEnable } from './follow-enable.ts';
import { followKill } from './follow-kill.ts';
import { type KeepOpenMeans, type OpenGates, TICK_MS } from './keep-open.ts';

export interface OrderWork {
  readonly means: LiveMeans & KeepOpenMeans;
  readonly openGates: OpenGates;
  readonly hostKills: HostKillAnswers;
  readonly directives: DirectiveLog;
  /** Woken when a directive was stored, when the link has changed, and by whoever wants a look. */
  readonly wakeup: Wakeup;
  readonly clock: Clock;
  /** Before an order is tried again. */
  readonly retryMs: (attempt: number) => number;
  /** A look is over: whoever tells others of the gates may do so now. */
  readonly onLooked: () => void;
}

/** Resolves when `signal` is aborted. Errors: the journal's, and defects. */
export async function followOrders(signal: AbortSignal, work: OrderWork): Promise<void> {
  const retries = new Map<number, { attempt: number; atMs: number }>();
  tellLost(work.means);
  while (!signal.aborted) {
    await patiently(work, async () => work.hostKills.tell());
    await patiently(work, () => work.openGates.reopen());
    for (const stored of work.directives.unhandled().filter(({ bytes }) => isOrder(bytes))) {
      if (!isDue(stored, work)) continue;
      await tryOnce(stored, { work, retries });
      if (signal.aborted) return;
    }
    await patiently(work, () => work.openGates.look());
    work.onLooked();
    await restUntilDue(signal, work, retries.size > 0 || work.openGates.areAny || work.hostKills.areDue);
  }
}

/** A kill was obeyed as it arrived; its answer waits for nothing. */
function isDue({ bytes }: StoredDirective, { means }: OrderWork): boolean {
  return means.isCaughtUp() || directiveCodec.decode(bytes).kind === 'kill'; // 2
}

async function tryOnce(
  stored: StoredDirective,
  { work, retries }: { work: OrderWork; retries: Map<number, { attempt: number; atMs: number }> },
): Promise<void> {
  const { attempt, atMs } = retries.get(stored.seq) ?? { attempt: 0, atMs: 0 };
  if (work.clock.now() < atMs) return;
  const isDone = await patiently(work, () => follow(stored, work));
  if (isDone) retries.delete(stored.seq);
  else retries.set(stored.seq, { attempt: attempt + 1, atMs: work.clock.now() + work.retryMs(attempt) });
}

async function follow(stored: StoredDirective, { means }: OrderWork): Promise<void> {
  const directive = directiveCodec.decode(stored.bytes);
  switch (directive.kind) {
    case 'enable':
      return followEnable(directive.enable, stored, means);
    case 'kill':
      return followKill(directive.kill, stored, means);
    case 'runLive':
      return followRunLive(directive.runLive, stored, means);
    default:
      throw new Error(`directive ${stored.seq} is no order`);
  }
}

/** False when something was in the way, and it has to be tried again. */
async function patiently({ means: { log } }: OrderWork, action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (thrown) {
    const error = explainJournalError(thrown);
    if (!(error instanceof TransientError)) throw error;
    log.info({ reason: messageOf(error), hint: error.hint }, 'tried in vain');
    return false;
  }
}

async function restUntilDue(signal: AbortSignal, { wakeup, clock }: OrderWork, mustLook: boolean): Promise<void> {
  const timer = mustLook ? clock.setTimer(TICK_MS, () => wakeup.wake()) : undefined;
  try {
    await wakeup.sleep(signal);
  } finally {
    timer?.cancel();
  }
}
