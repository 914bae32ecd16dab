import type { Sha256 } from '../../shared/digest.ts';
import type { JoinTokenRow, Store } from './schema.ts';

export async function addJoinToken(store: Store, token: Omit<JoinTokenRow, 'used_at'>): Promise<void> {
  await store.insertInto('join_tokens').values(token).execute();
}

export async function findJoinToken(store: Store, digest: Sha256): Promise<JoinTokenRow | undefined> {
  return store.selectFrom('join_tokens').selectAll().where('sha256', '=', digest).executeTakeFirst();
}

/**
 * Takes the token; false when somebody else has. The condition stands in the statement itself, so that no two callers
 * can both succeed, whatever transaction they run in.
 */
export async function takeJoinToken(store: Store, digest: Sha256, now: number): Promise<boolean> {
  const { numUpdatedRows } = await store
    .updateTable('join_tokens')
    .set({ used_at: now })
    .where('sha256', '=', digest)
    .where('used_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
