/** Looks into databases in tests: what came of it, as a value. */

import pg from 'pg';
import { lookIntoDatabase, type SqlRequest, type SqlSight } from '../../../../host-agent/checks/sql/look.ts';
import { RejectedError } from '../../../../shared/errors.ts';
import type { LivePostgres } from '../../../support/live-postgres.ts';

export const PATIENT_MS = 30_000;

export function look(dataSource: string, request: Partial<SqlRequest> = {}): Promise<SqlSight> {
  return lookIntoDatabase(Buffer.from(dataSource), {
    queries: { documents: 'select count(*) from documents' },
    timeoutMs: PATIENT_MS,
    signal: new AbortController().signal,
    ...request,
  });
}

export interface Told {
  /** The code of a `RejectedError`, else the name of the error. */
  readonly code: string;
  /** Message, hint and causes, and the stack. */
  readonly text: string;
}

/** What it was refused with. Errors: when it was not. */
export async function refusalOf(work: Promise<unknown>): Promise<Told> {
  try {
    await work;
  } catch (error) {
    const { name, stack } = error as Error;
    const { cause } = error as Error;
    const hint = error instanceof RejectedError ? error.hint : undefined;
    return { code: error instanceof RejectedError ? error.code : name, text: [error, hint, cause, stack].join('\n') };
  }
  throw new Error('nothing was refused');
}

/** Waits until a query of the superuser gives a row; each asking is one turn. */
export async function until(server: LivePostgres, sql: string): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENT_MS;
  while ((await server.query(sql)).length === 0) {
    if (performance.now() > giveUpAtMs) throw new Error(`no row came of ${sql}`);
  }
}

/** Holds an advisory lock of database `live` until it is let go. */
export async function holdLock(server: LivePostgres, key: number): Promise<{ release(): Promise<void> }> {
  const holder = new pg.Client({ connectionString: server.url('holder', 'x', 'live') });
  await holder.connect();
  await holder.query('select pg_advisory_lock($1)', [key]);
  return { release: () => holder.end() };
}
