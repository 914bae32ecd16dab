/**
 * Follows orders as they come, and looks after open gates. Runs beside the loop of the runs, so that neither waits for the
 * other: a kill's answer does not wait for a download.
 *
 * 1. Each order is tried in its turn; one that has to be tried again does not hold up those behind it.
 * 2. Whatever is no kill waits until all that the control plane had for this host has arrived: a kill may be behind it (P4).
 * 3. While a gate is open, an order is to be tried again or a kill to be told, it looks once a second; otherwise it sleeps until it is woken.
 * 4. A look waits for nothing: what asks the network, or reads trees, takes its turns beside it.
 */

import { messageOf, TransientError } from '../../shared/errors.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
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
  /** Kills on the host itself, to be told to the control plane. */
  readonly hostKills: Pick<HostKillAnswers, 'tell' | 'areDue'>;
  /** Live entrypoints that start by themselves. */
  readonly scheduled: { startDue(): Promise<void> };
  readonly directives: DirectiveLog;
  /** Woken when a directive was stored, when the link has changed, and by whoever wants a look. */
  readonly wakeup: Wakeup;
  readonly clock: Clock;
  /** Before an order is tried again. */
  readonly retryMs: (attempt: number) => number;
}

type Retries = Map<number, { attempt: number; atMs: number }>;

/** Resolves when `signal` is aborted. Errors: the journal's, and defects. */
export async function followOrders(signal: AbortSignal, work: OrderWork): Promise<void> {
  const { means, openGates, scheduled, hostKills } = work;
  const retries: Retries = new Map();
  tellLost(means);
  const actions = [
    async () => hostKills.tell(),
    () => followWaiting(signal, work, retries),
    () => openGates.judgeDue(),
    () => scheduled.startDue(),
  ];
  const turns = actions.map((act) => ({ act, wakeup: new Wakeup() }));
  try {
    await Promise.all([lookAround(signal, work, { turns, retries }), ...turns.map((turn) => take(signal, work, turn))]);
  } catch (error) {
    if (!signal.aborted) throw error;
    means.log.info({ reason: messageOf(error) }, 'stopped in the middle');
  }
}

/** Something that may take its time; it is done once more if it was woken meanwhile. */
interface Turn {
  readonly act: () => Promise<void>;
  readonly wakeup: Wakeup;
}

async function lookAround(
  signal: AbortSignal,
  work: OrderWork,
  { turns, retries }: { turns: readonly Turn[]; retries: Retries },
): Promise<void> {
  while (!signal.aborted) {
    await patiently(work, async () => work.openGates.look());
    for (const { wakeup } of turns) wakeup.wake();
    await restUntilDue(signal, work, retries.size > 0 || work.openGates.areAny || work.hostKills.areDue);
  }
}

async function take(signal: AbortSignal, work: OrderWork, { act, wakeup }: Turn): Promise<void> {
  for (;;) {
    await wakeup.sleep(signal);
    if (signal.aborted) return;
    await patiently(work, act);
  }
}

async function followWaiting(signal: AbortSignal, work: OrderWork, retries: Retries): Promise<void> {
  const waiting = work.directives.unhandled().filter(({ bytes }) => isOrder(bytes));
  for (const stored of waiting) {
    if (!isDue(stored, work)) continue;
    const wasTried = await tryOnce(stored, { work, retries });
    if (signal.aborted) return;
    if (wasTried) work.wakeup.wake(); // there is more to look after now, or something to try again
  }
}

/** A kill was obeyed as it arrived; its answer waits for nothing. */
function isDue({ bytes }: StoredDirective, { means }: OrderWork): boolean {
  return means.isCaughtUp() || directiveCodec.decode(bytes).kind === 'kill'; // 2
}

/** False for one whose time has not come. */
async function tryOnce(
  stored: StoredDirective,
  { work, retries }: { work: OrderWork; retries: Retries },
): Promise<boolean> {
  const { attempt, atMs } = retries.get(stored.seq) ?? { attempt: 0, atMs: 0 };
  if (work.clock.now() < atMs) return false;
  const isDone = await patiently(work, () => follow(stored, work));
  if (isDone) retries.delete(stored.seq);
  else retries.set(stored.seq, { attempt: attempt + 1, atMs: work.clock.now() + work.retryMs(attempt) });
  return true;
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
