import { LIMITS } from '../../shared/limits.ts';
import type { DecisionRow, Store } from './schema.ts';

/** Keeps the newest `LIMITS.decisionCount`. */
export async function saveDecision(store: Store, decision: DecisionRow): Promise<void> {
  const { id, ...rest } = decision;
  await store
    .insertInto('decisions')
    .values(decision)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
    .execute();
  const oldest = await store
    .selectFrom('decisions')
    .select('submitted_at')
    .orderBy('submitted_at', 'desc')
    .offset(LIMITS.decisionCount)
    .limit(1)
    .executeTakeFirst();
  if (oldest) await store.deleteFrom('decisions').where('submitted_at', '<=', oldest.submitted_at).execute();
}

/** By its id, or by enough of its beginning to tell it from the others. */
export async function findDecisions(store: Store, idPrefix: string): Promise<DecisionRow[]> {
  return store.selectFrom('decisions').selectAll().where('id', 'like', `${idPrefix}%`).limit(2).execute();
}

/** Newest first, without the documents. */
export async function listDecisions(store: Store): Promise<Omit<DecisionRow, 'document'>[]> {
  return store
    .selectFrom('decisions')
    .select(['id', 'kind', 'title', 'signature_count', 'submitted_at', 'sent_at'])
    .orderBy('submitted_at', 'desc')
    .orderBy('id')
    .execute();
}
