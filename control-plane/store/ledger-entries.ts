import type { LedgerEntryRow, LedgerHeadRow, Store } from './schema.ts';

/** Fails on an entry that is there already: what is stored is never overwritten. */
export async function addLedgerEntry(store: Store, entry: LedgerEntryRow): Promise<void> {
  await store.insertInto('ledger_entries').values(entry).execute();
}

export async function findLedgerEntry(store: Store, runId: string, seq: number): Promise<LedgerEntryRow | undefined> {
  return store
    .selectFrom('ledger_entries')
    .selectAll()
    .where('run_id', '=', runId)
    .where('seq', '=', seq)
    .executeTakeFirst();
}

/** The entries from `fromSeq` on, in order, at most `limit`. */
export async function ledgerEntriesFrom(
  store: Store,
  runId: string,
  { fromSeq, limit }: { fromSeq: number; limit: number },
): Promise<LedgerEntryRow[]> {
  return store
    .selectFrom('ledger_entries')
    .selectAll()
    .where('run_id', '=', runId)
    .where('seq', '>=', fromSeq)
    .orderBy('seq')
    .limit(limit)
    .execute();
}

/** The newest head replaces the one before; the caller has checked that it covers more. */
export async function setLedgerHead(store: Store, head: LedgerHeadRow): Promise<void> {
  const { size, envelope } = head;
  await store
    .insertInto('ledger_heads')
    .values(head)
    .onConflict((conflict) => conflict.column('run_id').doUpdateSet({ size, envelope }))
    .execute();
}

export async function findLedgerHead(store: Store, runId: string): Promise<LedgerHeadRow | undefined> {
  return store.selectFrom('ledger_heads').selectAll().where('run_id', '=', runId).executeTakeFirst();
}
