import type { Addressee } from './directives.ts';
import type { GateRow, OrderHostRow, OrderReceiptRow, OrderRow, Store } from './schema.ts';

/** The same order again is the same row. */
export async function addOrder(store: Store, order: OrderRow): Promise<void> {
  await store
    .insertInto('orders')
    .values(order)
    .onConflict((conflict) => conflict.column('sha256').doNothing())
    .execute();
}

/** An order that is sent to a host again counts from then: what was answered before stands in the log. */
export async function addOrderHost(store: Store, row: Omit<OrderHostRow, 'delivered_at'>): Promise<void> {
  await store
    .deleteFrom('order_receipts')
    .where('order_sha256', '=', row.order_sha256)
    .where('host', '=', row.host)
    .execute();
  await store
    .insertInto('order_hosts')
    .values({ ...row, delivered_at: null })
    .onConflict((conflict) =>
      conflict
        .columns(['order_sha256', 'host'])
        .doUpdateSet({ incarnation: row.incarnation, seq: row.seq, delivered_at: null }),
    )
    .execute();
}

export async function findOrder(store: Store, sha256: string): Promise<OrderRow | undefined> {
  return store.selectFrom('orders').selectAll().where('sha256', '=', sha256).executeTakeFirst();
}

/** Sorted by host. */
export async function hostsOfOrder(store: Store, sha256: string): Promise<OrderHostRow[]> {
  return store.selectFrom('order_hosts').selectAll().where('order_sha256', '=', sha256).orderBy('host').execute();
}

/** Of orders up to that directive: the host has them. Returns the digests of those that are news. */
export async function markDelivered(
  store: Store,
  { host, incarnation }: Addressee,
  { seq, now }: { seq: number; now: number },
): Promise<string[]> {
  const rows = await store
    .updateTable('order_hosts')
    .set({ delivered_at: now })
    .where('host', '=', host)
    .where('incarnation', '=', incarnation)
    .where('seq', '<=', seq)
    .where('delivered_at', 'is', null)
    .returning('order_sha256')
    .execute();
  return rows.map(({ order_sha256 }) => order_sha256);
}

/** The first answer of its kind counts. */
export async function addReceipt(store: Store, receipt: OrderReceiptRow): Promise<void> {
  await store
    .insertInto('order_receipts')
    .values(receipt)
    .onConflict((conflict) => conflict.columns(['order_sha256', 'host', 'answer']).doNothing())
    .execute();
}

/** In the order in which they came. */
export async function receiptsOfOrder(store: Store, sha256: string): Promise<OrderReceiptRow[]> {
  return store
    .selectFrom('order_receipts')
    .selectAll()
    .where('order_sha256', '=', sha256)
    .orderBy('received_at')
    .orderBy('answer')
    .execute();
}

export async function saveGate(store: Store, gate: GateRow): Promise<void> {
  const { host, incarnation, app, ...told } = gate;
  await store
    .insertInto('gates')
    .values(gate)
    .onConflict((conflict) => conflict.columns(['host', 'incarnation', 'app']).doUpdateSet(told))
    .execute();
}

/** Sorted by host; of hosts in an earlier life too. */
export async function gatesOf(store: Store, app: string): Promise<GateRow[]> {
  return store.selectFrom('gates').selectAll().where('app', '=', app).orderBy('host').execute();
}

/** The most entries of the log that the host said it has seen, by host; hosts that have seen none are left out. */
export async function seenLogSizes(store: Store, hosts: readonly Addressee[]): Promise<Map<string, number>> {
  const rows = await store
    .selectFrom('gates')
    .select(({ fn }) => ['host', 'incarnation', fn.max('log_size').as('size')])
    .groupBy(['host', 'incarnation'])
    .execute();
  const sizes = new Map(rows.map(({ host, incarnation, size }) => [`${host} ${incarnation}`, Number(size)]));
  const known = hosts.map(({ host, incarnation }) => [host, sizes.get(`${host} ${incarnation}`) ?? 0] as const);
  return new Map(known.filter(([, size]) => size > 0));
}
