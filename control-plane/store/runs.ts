import type { RunRow, Store } from './schema.ts';

export async function addRun(
  store: Store,
  run: Omit<RunRow, 'phase' | 'refusal_code' | 'entry_count' | 'has_promoted'>,
): Promise<void> {
  await store
    .insertInto('runs')
    .values({ ...run, phase: 'queued', refusal_code: null, entry_count: 0, has_promoted: 0 })
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

/**
 * The run whose installation stands: the newest of that release on that host that promoted it and was not rolled back. A
 * release that was ordered again failed at its preflight, and has nothing to remove. Without one: the newest run.
 */
export async function findInstallingRun(
  store: Store,
  release: { host: string; app: string; version: string },
): Promise<RunRow | undefined> {
  const runs = store
    .selectFrom('runs')
    .selectAll()
    .where('host', '=', release.host)
    .where('app', '=', release.app)
    .where('version', '=', release.version)
    .where('entry_count', '>', 0)
    .orderBy('id', 'desc')
    .limit(1);
  const standing = runs.where('has_promoted', '=', 1).where('phase', '!=', 'rolledBack');
  return (await standing.executeTakeFirst()) ?? runs.executeTakeFirst();
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
    .set({
      entry_count: entryCount,
      ...(phase === undefined ? {} : { phase }),
      ...(phase === 'promoted' ? { has_promoted: 1 } : {}),
    })
    .where('id', '=', id)
    .execute();
}
