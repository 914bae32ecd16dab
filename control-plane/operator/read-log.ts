/** The transparency log, as it is read: nothing here decides anything, and whoever reads checks. */
import { RejectedError } from '../../shared/errors.ts';
import type {
  FetchCheckpointRequest,
  FetchCheckpointResponse,
  ListLogRequest,
  LogEntry,
} from '../../shared/rpc/generated/messages.ts';
import type { OperatorContext } from './operator-context.ts';

/** Entries that are read from the store at once. */
const AT_ONCE = 100;

/** Errors: `RejectedError('log-shorter')` when the log does not have as many entries as the caller has seen. */
export async function fetchCheckpoint(
  { log }: Pick<OperatorContext, 'log'>,
  { oldSize }: FetchCheckpointRequest,
): Promise<FetchCheckpointResponse> {
  const { size, checkpoint } = await log.checkpoint();
  if (oldSize > size) {
    throw new RejectedError(
      'log-shorter',
      `failed to prove the log: it has ${size} entries, the caller has seen ${oldSize}`,
    );
  }
  return { checkpoint, consistency: await log.consistency(oldSize, size) };
}

/** All that there are when the call begins; what is appended meanwhile is for the next one. */
export async function* listLog(
  { log }: Pick<OperatorContext, 'log'>,
  { first, limit }: ListLogRequest,
): AsyncGenerator<LogEntry> {
  const size = await log.size();
  const end = limit === 0 ? size : Math.min(size, first + limit);
  for (let from = first; from < end; from += AT_ONCE) {
    const entries = await log.entries(from, Math.min(AT_ONCE, end - from));
    for (const { index, kind, document, loggedAtMs } of entries) yield { index, kind, document, loggedAtMs };
  }
}
