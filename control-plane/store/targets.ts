import { type Sha256, sha256 } from '../../shared/digest.ts';
import type { Store } from './schema.ts';

/** Adds targets by path. An old content of the same path stays: a host may still be reading the metadata that names it. */
export async function addTargets(store: Store, targets: ReadonlyMap<string, Uint8Array>, now: number): Promise<void> {
  for (const [path, bytes] of targets) {
    await store
      .insertInto('targets')
      .values({ path, sha256: sha256(bytes), content: Buffer.from(bytes), published_at: now })
      .onConflict((conflict) => conflict.columns(['path', 'sha256']).doNothing())
      .execute();
  }
}

export async function findTarget(store: Store, path: string, digest: Sha256): Promise<Buffer | undefined> {
  const row = await store
    .selectFrom('targets')
    .select('content')
    .where('path', '=', path)
    .where('sha256', '=', digest)
    .executeTakeFirst();
  return row?.content;
}
