import type { Addressee } from './directives.ts';
import type { Store } from './schema.ts';

/** The highest outbox id of this host that is durable here; 0 if none. */
export async function inboxPosition(store: Store, { host, incarnation }: Addressee): Promise<number> {
  const row = await store
    .selectFrom('inbox_positions')
    .select('position')
    .where('host', '=', host)
    .where('incarnation', '=', incarnation)
    .executeTakeFirst();
  return row?.position ?? 0;
}

/** Moves on to `position`; to be called in the transaction that stores what arrived. */
export async function moveInboxPosition(
  store: Store,
  { host, incarnation }: Addressee,
  position: number,
): Promise<void> {
  await store
    .insertInto('inbox_positions')
    .values({ host, incarnation, position })
    .onConflict((conflict) => conflict.columns(['host', 'incarnation']).doUpdateSet({ position }))
    .execute();
}
