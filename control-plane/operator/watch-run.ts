import type { RunProgress, RunUpdate, WatchRunRequest } from '../../shared/rpc/generated/messages.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
import type { RunRow } from '../store/schema.ts';
import type { OperatorContext } from './operator-context.ts';
import { entryMessages, existingRun, runMessage } from './run-message.ts';

const END_PHASES = ['proven', 'failed', 'rolledBack'];

/**
 * The run and its ledger, followed until it enters one of the phases that the caller waits for, or is refused. Whatever
 * was there before the call comes first. Errors: `run-not-found`.
 */
export async function* watchRun(
  context: OperatorContext,
  request: WatchRunRequest,
  signal: AbortSignal,
): AsyncGenerator<RunUpdate> {
  const wakeup = new Wakeup();
  let progress: RunProgress | undefined;
  const unsubscribe = context.news.subscribe(request.runId, (latest) => {
    progress = latest ?? progress;
    wakeup.wake();
  });
  try {
    let seq = request.fromSeq;
    for (let before: RunRow | undefined; !signal.aborted; await wakeup.sleep(signal)) {
      // Read before the entries, so that the phase at which the stream ends never runs ahead of them.
      const run = await existingRun(context.store, request.runId);
      if (hasChanged(before, run)) yield { news: 'run', run: await runMessage(context.store, run) };
      for await (const entry of entryMessages(context.store, request.runId, seq)) {
        yield { news: 'entry', entry };
        seq = entry.seq + 1;
      }
      if (progress !== undefined) yield { news: 'progress', progress };
      progress = undefined;
      if (hasEnded(run, request.untilPhases)) return;
      before = run;
    }
  } finally {
    unsubscribe();
  }
}

function hasChanged(before: RunRow | undefined, now: RunRow): boolean {
  return before === undefined || before.phase !== now.phase || before.refusal_code !== now.refusal_code;
}

function hasEnded(run: RunRow, untilPhases: readonly string[]): boolean {
  const phases = untilPhases.length === 0 ? END_PHASES : untilPhases;
  return run.refusal_code !== null || phases.includes(run.phase);
}
