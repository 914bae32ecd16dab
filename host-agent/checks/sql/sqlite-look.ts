import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { askOwnPart } from '../../sandbox/own-part.ts';
import type { SqlRequest, SqlSight } from './look.ts';
import { errorOfSession, SqlFailure } from './sql-failure.ts';
import type { SqliteMessage } from './sqlite-message.ts';
import type { SqliteQuestion } from './sqlite-reading.ts';

/** The bundle holds the part's code beside its own. */
const PART_FILE = new URL(import.meta.url.endsWith('.ts') ? './sqlite-part.ts' : './sqlite-part.mjs', import.meta.url);

/** Reads in a process of its own, which ends with its time. Errors: those of `lookIntoDatabase`. */
export async function lookIntoSqlite(path: string, request: SqlRequest): Promise<SqlSight> {
  const { schemas, queries, digests, timeoutMs, signal } = request;
  const question: SqliteQuestion = { path, schemas, queries, digests };
  const deadline = AbortSignal.timeout(timeoutMs);
  const heard = new Hearing();
  try {
    await askOwnPart(PART_FILE, JSON.stringify(question), {
      signal: AbortSignal.any([signal, deadline]),
      memoryBytes: LIMITS.sqliteMemoryBytes,
      answerBytes: LIMITS.ledgerEntryBytes,
      onLine: (line) => heard.add(JSON.parse(line) as SqliteMessage),
    });
  } catch (error) {
    if (signal.aborted || !deadline.aborted) throw error;
    throw new RejectedError('query-failed', `failed to run query "${heard.query}": not done within ${timeoutMs} ms`);
  }
  return heard.sight();
}

class Hearing {
  #query = '';
  #last: SqliteMessage | undefined;

  /** The one that runs, or ran last. */
  get query(): string {
    return this.#query;
  }

  add(message: SqliteMessage): void {
    if (message.type === 'query') this.#query = message.name;
    this.#last = message;
  }

  sight(): SqlSight {
    const last = this.#last;
    switch (last?.type) {
      case 'seen':
        return last.sight;
      case 'rejected':
        throw new RejectedError(last.code, last.message);
      case 'failed':
        throw errorOfSession(new SqlFailure(last.code, last.message));
      default:
        throw new TransientError(last?.type === 'lost' ? last.message : 'a part of the agent gave no answer');
    }
  }
}
