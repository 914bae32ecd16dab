import type { GetRunRequest, RunUpdate } from '../../shared/rpc/generated/messages.ts';
import type { OperatorContext } from './operator-context.ts';
import { entryMessages, existingRun, runMessage } from './run-message.ts';

/** The run, then its ledger as it stands. Errors: `run-not-found`. */
export async function* getRun({ store }: OperatorContext, { runId }: GetRunRequest): AsyncGenerator<RunUpdate> {
  yield { news: 'run', run: await runMessage(store, await existingRun(store, runId)) };
  for await (const entry of entryMessages(store, runId, 0)) yield { news: 'entry', entry };
}
