import { sql } from 'kysely';
import type { Addressee } from './directives.ts';
import type { RefusedReportRow, Store } from './schema.ts';

/** To be called in the transaction that acknowledges the report. */
export async function addRefusedReport(store: Store, report: RefusedReportRow): Promise<void> {
  await store.insertInto('refused_reports').values(report).execute();
}

export interface RefusedReports {
  readonly count: number;
  readonly bytes: number;
  /** Why the newest was refused; undefined when there is none. */
  readonly lastCode: string | undefined;
}

/** What was refused of a host in its present life. */
export async function refusedReports(store: Store, { host, incarnation }: Addressee): Promise<RefusedReports> {
  const ofHost = store.selectFrom('refused_reports').where('host', '=', host).where('incarnation', '=', incarnation);
  const sums = await ofHost
    .select(({ fn }) => [fn.countAll().as('count'), fn.sum(sql<number>`length(bytes)`).as('bytes')])
    .executeTakeFirst();
  const last = await ofHost.select('code').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return { count: Number(sums?.count ?? 0), bytes: Number(sums?.bytes ?? 0), lastCode: last?.code };
}
