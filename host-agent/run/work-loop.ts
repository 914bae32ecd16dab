/**
 * The agent's work, one thing after the other.
 *
 * 1. What was begun is finished first: unfinished runs before new directives, directives in their order.
 * 2. Work goes on without a connection; only what needs one waits for it.
 * 3. What is merely in the way, a full disk included, is tried again; the journal says where to go on.
 */
import { messageOf, TransientError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/service/service-log.ts';
import type { Wakeup } from '../../shared/time/wakeup.ts';
import type { StoredDirective } from '../journal/directives.ts';
import { isOrder } from '../journal/is-order.ts';
import { explainJournalError } from '../journal/journal-error.ts';
import { type DirectiveMeans, followDirective } from './follow-directive.ts';
import { pruneJournal } from './prune-journal.ts';
import type { RunDriver } from './run-driver.ts';
import type { RunStore } from './run-store.ts';

export interface Work {
  readonly store: RunStore;
  readonly driver: Pick<RunDriver, 'drive'>;
  readonly means: DirectiveMeans;
  /** Woken when a directive was stored, and when the link has changed. */
  readonly wakeup: Wakeup;
  readonly log: Logger;
  /** Waits until something may be tried again; rejects when the agent stops. */
  readonly waitToRetry: (attempt: number) => Promise<void>;
}

/** Resolves when `signal` is aborted. Errors: `RejectedError('journal-corrupt')`, and defects: nothing can go on then. */
export async function workUntil(signal: AbortSignal, work: Work): Promise<void> {
  try {
    const unfinished = await persistently(work, async () => work.store.unfinished());
    for (const run of unfinished) await drive(run, work);
    while (!signal.aborted) {
      await followAll(work);
      await work.wakeup.sleep(signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    work.log.info({ reason: messageOf(error) }, 'stopped in the middle');
  }
}

async function followAll(work: Work): Promise<void> {
  const prunedCount = await persistently(work, async () => pruneJournal(work.means));
  if (prunedCount > 0) work.log.info({ prunedCount }, 'journal pruned');
  const waiting = await persistently(work, async () => work.means.directives.unhandled().filter(isOfRuns));
  for (const directive of waiting) {
    const run = await persistently(work, () => followDirective(directive, work.means));
    if (run !== undefined) await drive(run, work);
  }
}

/** Orders have a loop of their own: they do not wait for a run. */
function isOfRuns({ bytes }: StoredDirective): boolean {
  return !isOrder(bytes);
}

async function drive(run: string, work: Work): Promise<void> {
  const { driver, log, store } = work;
  log.info({ run }, 'run goes on');
  await persistently(work, () => driver.drive(run));
  log.info({ run, phase: store.state(run).phase }, 'run rests');
}

async function persistently<T>({ waitToRetry, log }: Work, action: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await action();
    } catch (thrown) {
      const error = explainJournalError(thrown);
      if (!(error instanceof TransientError)) throw error;
      log.info({ attempt, reason: messageOf(error), hint: error.hint }, 'tried in vain');
      await waitToRetry(attempt);
    }
  }
}
