import type { Store } from './schema.ts';

/** Adds or replaces files of the repository, by name. */
export async function putMetadataFiles(
  store: Store,
  files: ReadonlyMap<string, Uint8Array>,
  now: number,
): Promise<void> {
  for (const [name, bytes] of files) {
    const content = Buffer.from(bytes);
    await store
      .insertInto('metadata_files')
      .values({ name, content, published_at: now })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ content, published_at: now }))
      .execute();
  }
}

export async function findMetadataFile(store: Store, name: string): Promise<Buffer | undefined> {
  const row = await store.selectFrom('metadata_files').select('content').where('name', '=', name).executeTakeFirst();
  return row?.content;
}
