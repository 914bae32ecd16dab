import type { PublicationRow, Store } from './schema.ts';

/** The versions that are published together. */
export type PublishedVersions = Omit<PublicationRow, 'id'>;

const ONLY_ROW = 1;

/** Undefined before the first publication. */
export async function publishedVersions(store: Store): Promise<PublishedVersions | undefined> {
  return store
    .selectFrom('publication')
    .select(['root', 'timestamp', 'snapshot', 'targets'])
    .where('id', '=', ONLY_ROW)
    .executeTakeFirst();
}

/**
 * Moves from exactly `before` (undefined: nothing published) to `after`; false when it was not so any more. The old
 * versions are compared in the statement itself rather than trusted to whatever transaction surrounds it.
 */
export async function replacePublishedVersions(
  store: Store,
  before: PublishedVersions | undefined,
  after: PublishedVersions,
): Promise<boolean> {
  if (before === undefined) {
    const { numInsertedOrUpdatedRows } = await store
      .insertInto('publication')
      .values({ id: ONLY_ROW, ...after })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n;
  }
  const { numUpdatedRows } = await store
    .updateTable('publication')
    .set(after)
    .where('id', '=', ONLY_ROW)
    .where('root', '=', before.root)
    .where('timestamp', '=', before.timestamp)
    .where('snapshot', '=', before.snapshot)
    .where('targets', '=', before.targets)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
