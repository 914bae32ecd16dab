/**
 * Looks into a database through a session that is proven to read only.
 *
 * 1. The proof comes first: nothing that a plan wrote is run over a session that could write.
 * 2. What the session may do is asked again behind the queries.
 * 3. Nothing of the data source's name is in what comes back, nor in what is thrown (P7).
 */
import type { z } from 'zod';
import type {
  ReadOnlyProof,
  SqlObservation,
  sqlDigestsSchema,
  UnseenSchema,
} from '../../../shared/ledger/kinds/sql.ts';
import { parseDataSource } from './data-source.ts';

export interface SqlRequest {
  /** Those that the session must not be able to write; all schemas of users unless said. */
  readonly schemas?: readonly string[] | undefined;
  /** By name; each gives one row with one count. */
  readonly queries: Readonly<Record<string, string>>;
  /** By name; each gives the rows of which a digest is made. */
  readonly digests?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type SqlDigests = z.infer<typeof sqlDigestsSchema>;

export interface SqlSight {
  readonly engine: SqlObservation['engine'];
  readonly readOnly: ReadOnlyProof;
  /** None where the session is not proven. */
  readonly counts: Readonly<Record<string, number>>;
  readonly digests: SqlDigests;
  /** Of the schemas that were named. */
  readonly unseen: readonly UnseenSchema[];
}

/**
 * Errors: `RejectedError` with `data-source-malformed`, `data-source-refused`, `query-failed` or `count-malformed`;
 * `TransientError` when the database is out of reach; the signal's reason.
 */
export async function lookIntoDatabase(dataSourceName: Uint8Array, request: SqlRequest): Promise<SqlSight> {
  const source = parseDataSource(dataSourceName);
  request.signal.throwIfAborted();
  switch (source.engine) {
    case 'postgresql': {
      // Not before it is asked for: an agent that waits holds no driver in memory.
      const { lookIntoPostgres } = await import('./postgres-look.ts');
      return lookIntoPostgres(source, request);
    }
    case 'sqlite': {
      const { lookIntoSqlite } = await import('./sqlite-look.ts');
      return lookIntoSqlite(source.path, request);
    }
  }
}
