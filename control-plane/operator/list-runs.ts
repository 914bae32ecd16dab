import type { ListRunsRequest, ListRunsResponse } from '../../shared/rpc/generated/messages.ts';
import { listRuns as newestRuns } from '../store/runs.ts';
import type { OperatorContext } from './operator-context.ts';
import { runMessage } from './run-message.ts';

const DEFAULT_COUNT = 100;
/** About 1 MiB of answer. */
const MAX_COUNT = 1_000;

export async function listRuns(
  { store }: OperatorContext,
  { host, limit }: ListRunsRequest,
): Promise<ListRunsResponse> {
  const rows = await newestRuns(store, {
    host: host === '' ? undefined : host,
    limit: Math.min(limit === 0 ? DEFAULT_COUNT : limit, MAX_COUNT),
  });
  return { runs: await Promise.all(rows.map((row) => runMessage(store, row))) };
}
