import type { DirectiveRow, Store } from './schema.ts';

/** The host in its present life; each has a log of its own. */
export interface Addressee {
  readonly host: string;
  readonly incarnation: number;
}

export type NewDirective = Addressee & Pick<DirectiveRow, 'run_id' | 'kind' | 'bytes' | 'created_at'>;

/**
 * Appends to the log of one host and returns the number. Two appenders at once: the primary key lets one through, the
 * other fails and may try again.
 */
export async function appendDirective(store: Store, directive: NewDirective): Promise<number> {
  const seq = (await lastDirectiveSeq(store, directive)) + 1;
  await store
    .insertInto('directives')
    .values({ ...directive, seq })
    .execute();
  return seq;
}

/** 0 when the log is empty. */
export async function lastDirectiveSeq(store: Store, { host, incarnation }: Addressee): Promise<number> {
  const row = await store
    .selectFrom('directives')
    .select(({ fn }) => fn.max('seq').as('last'))
    .where('host', '=', host)
    .where('incarnation', '=', incarnation)
    .executeTakeFirst();
  return Number(row?.last ?? 0);
}

/** The next directives in order, at most `limit`. */
export async function directivesAfter(
  store: Store,
  { host, incarnation }: Addressee,
  { seq, limit }: { seq: number; limit: number },
): Promise<DirectiveRow[]> {
  return store
    .selectFrom('directives')
    .selectAll()
    .where('host', '=', host)
    .where('incarnation', '=', incarnation)
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute();
}

/** Writes down what the host decided; the first answer counts. Undefined when there is no such directive. */
export async function recordOutcome(
  store: Store,
  { host, incarnation }: Addressee,
  { seq, outcome }: { seq: number; outcome: string },
): Promise<DirectiveRow | undefined> {
  const directive = await store
    .selectFrom('directives')
    .selectAll()
    .where('host', '=', host)
    .where('incarnation', '=', incarnation)
    .where('seq', '=', seq)
    .executeTakeFirst();
  if (directive === undefined || directive.outcome !== null) return directive;
  await store
    .updateTable('directives')
    .set({ outcome })
    .where('host', '=', host)
    .where('incarnation', '=', incarnation)
    .where('seq', '=', seq)
    .where('outcome', 'is', null)
    .execute();
  return { ...directive, outcome };
}
