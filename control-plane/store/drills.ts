import type { Addressee } from './directives.ts';
import type { DrillOfferRow, DrillOrderRow, DrillRow } from './drill-schema.ts';
import type { Store } from './schema.ts';

/** In the place of the one that was there. */
export async function saveDrillOrder(store: Store, order: DrillOrderRow): Promise<void> {
  const { app: _app, host: _host, name: _name, ...rest } = order;
  await store
    .insertInto('drill_orders')
    .values(order)
    .onConflict((conflict) => conflict.columns(['app', 'host', 'name']).doUpdateSet(rest))
    .execute();
}

export async function drillOrdersFor(
  store: Store,
  { app, host }: { app: string; host: string },
): Promise<DrillOrderRow[]> {
  return store.selectFrom('drill_orders').selectAll().where('app', '=', app).where('host', '=', host).execute();
}

/** Applications that can be drilled somewhere, sorted. */
export async function drilledApps(store: Store): Promise<string[]> {
  const rows = await store.selectFrom('drill_orders').select('app').distinct().orderBy('app').execute();
  return rows.map(({ app }) => app);
}

export async function addDrill(store: Store, drill: DrillRow): Promise<void> {
  await store.insertInto('drills').values(drill).execute();
}

export async function findDrill(store: Store, id: string): Promise<DrillRow | undefined> {
  return store.selectFrom('drills').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Newest first; ids sort by time. */
export async function listDrillRecords(store: Store, limit: number): Promise<DrillRow[]> {
  return store.selectFrom('drills').selectAll().orderBy('id', 'desc').limit(limit).execute();
}

export type NewDrillOffer = Pick<DrillOfferRow, 'drill_id' | 'host' | 'incarnation' | 'name' | 'round'> &
  Partial<DrillOfferRow>;

export async function addDrillOffer(store: Store, offer: NewDrillOffer): Promise<void> {
  await store
    .insertInto('drill_rows')
    .values({ ...NOTHING_YET, ...offer })
    .execute();
}

/** Sorted by host, then as they were offered. */
export async function drillOffers(store: Store, drillId: string): Promise<DrillOfferRow[]> {
  return store
    .selectFrom('drill_rows')
    .selectAll()
    .where('drill_id', '=', drillId)
    .orderBy('host')
    .orderBy('round')
    .orderBy('seq')
    .orderBy('name')
    .execute();
}

/**
 * The offer that an answer of this host to that order belongs to: the oldest without an answer whose directive the host has
 * told the outcome of. A host reports both together, so an answer to the same order outside of a drill is not taken for one.
 */
export async function answeredOffer(
  store: Store,
  { host, incarnation }: Addressee,
  orderSha256: string,
): Promise<DrillOfferRow | undefined> {
  return store
    .selectFrom('drill_rows')
    .innerJoin('directives', (join) =>
      join
        .onRef('directives.host', '=', 'drill_rows.host')
        .onRef('directives.incarnation', '=', 'drill_rows.incarnation')
        .onRef('directives.seq', '=', 'drill_rows.seq'),
    )
    .selectAll('drill_rows')
    .where('drill_rows.order_sha256', '=', orderSha256)
    .where('drill_rows.host', '=', host)
    .where('drill_rows.incarnation', '=', incarnation)
    .where('drill_rows.receipt', 'is', null)
    .where('directives.outcome', 'is not', null)
    .orderBy('drill_rows.seq')
    .executeTakeFirst();
}

/** What is known of an offer by now. */
export type DrillAnswer = Partial<Omit<DrillOfferRow, 'drill_id' | 'host' | 'incarnation' | 'name' | 'round'>>;

export async function answerDrillOffer(
  store: Store,
  { drill_id, host, name, round }: Pick<DrillOfferRow, 'drill_id' | 'host' | 'name' | 'round'>,
  answer: DrillAnswer,
): Promise<void> {
  await store
    .updateTable('drill_rows')
    .set(answer)
    .where('drill_id', '=', drill_id)
    .where('host', '=', host)
    .where('name', '=', name)
    .where('round', '=', round)
    .execute();
}

/** Orders that had to be refused, opened a gate, and have not been answered by a kill yet; with their application. */
export async function openedByDrill(store: Store): Promise<(DrillOfferRow & { app: string })[]> {
  return store
    .selectFrom('drill_rows')
    .innerJoin('drills', 'drills.id', 'drill_rows.drill_id')
    .selectAll('drill_rows')
    .select('drills.app')
    .where('drills.kind', '=', 'refusal')
    .where('drill_rows.answer', '=', 'admitted')
    .where('drill_rows.closed_by', 'is', null)
    .execute();
}

const NOTHING_YET = {
  expected_code: null,
  not_run: null,
  order_sha256: null,
  document: null,
  seq: null,
  offered_at: null,
  durable_at: null,
  answered_at: null,
  answer: null,
  code: null,
  receipt: null,
  closed_by: null,
} as const satisfies Partial<DrillOfferRow>;
