import type { RunRow, Store } from './schema.ts';

export async function addRun(store: Store, run: Omit<RunRow, 'phase' | 'refusal_code' | 'entry_count'>): Promise<void> {
  await store
    .insertInto('runs')
    .values({ ...run, phase: 'queued', refusal_code: null, entry_count: 0 })
    .execute();
}

export async function findRun(store: Store, id: string): Promise<RunRow | undefined> {
  return store.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Newest first; ids sort by time. */
export async function listRuns(
  store: Store,
  { host, limit }: { host: string | undefined; limit: number },
): Promise<RunRow[]> {
  const all = store.selectFrom('runs').selectAll().orderBy('id', 'desc').limit(limit);
  return (host === undefined ? all : all.where('host', '=', host)).execute();
}

/** The newest run of that release on that host which got as far as a ledger. */
export async function findInstallingRun(
  store: Store,
  release: { host: string; app: string; version: string },
): Promise<RunRow | undefined> {
  return store
    .selectFrom('runs')
    .selectAll()
    .where('host', '=', release.host)
    .where('app', '=', release.app)
    .where('version', '=', release.version)
    .where('entry_count', '>', 0)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function setRefusal(store: Store, id: string, code: string | null): Promise<void> {
  await store.updateTable('runs').set({ refusal_code: code }).where('id', '=', id).execute();
}

/** After an entry was stored. `phase` is undefined when the entry enters none. */
export async function advanceRun(
  store: Store,
  id: string,
  { entryCount, phase }: { entryCount: number; phase: string | undefined },
): Promise<void> {
  await store
    .updateTable('runs')
    .set({ entry_count: entryCount, ...(phase === undefined ? {} : { phase }) })
    .where('id', '=', id)
    .execute();
}
