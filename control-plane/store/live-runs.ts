import type { Addressee } from './directives.ts';
import type { LiveRunRow, Store } from './schema.ts';

export async function addLiveRun(
  store: Store,
  run: Pick<LiveRunRow, 'id' | 'host' | 'incarnation' | 'app' | 'entrypoint' | 'created_at'>,
): Promise<void> {
  await store
    .insertInto('live_runs')
    .values({ ...run, envelope: null, is_over: 0, refusal_code: null })
    .execute();
}

export async function findLiveRun(store: Store, id: string): Promise<LiveRunRow | undefined> {
  return store.selectFrom('live_runs').selectAll().where('id', '=', id).executeTakeFirst();
}

/** What the host said; one that it started by itself is new here. Nothing is said of a run that is over. */
export async function saveLiveReport(
  store: Store,
  { host, incarnation }: Addressee,
  report: Pick<LiveRunRow, 'id' | 'app' | 'entrypoint' | 'created_at' | 'is_over'> & { readonly envelope: Buffer },
): Promise<void> {
  const { envelope, is_over } = report;
  await store
    .insertInto('live_runs')
    .values({ ...report, host, incarnation, refusal_code: null })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet({ envelope, is_over })
        .where('live_runs.is_over', '=', 0)
        .where('live_runs.host', '=', host),
    )
    .execute();
}

export async function refuseLiveRun(store: Store, id: string, code: string): Promise<void> {
  await store.updateTable('live_runs').set({ refusal_code: code, is_over: 1 }).where('id', '=', id).execute();
}
