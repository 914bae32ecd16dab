import { RejectedError } from '../../shared/errors.ts';
import type { OrderUpdate, WatchOrderRequest } from '../../shared/rpc/generated/messages.ts';
import { Wakeup } from '../../shared/time/wakeup.ts';
import { findOrder, hostsOfOrder, receiptsOfOrder } from '../store/orders.ts';
import type { OrderHostRow, OrderReceiptRow } from '../store/schema.ts';
import type { OperatorContext } from './operator-context.ts';

/**
 * Each host of the order as it stands, then every change, until all hosts have given their last answer: `stopped` to a kill,
 * any to another order, or a refusal. Whoever does not want to wait for a host that is away hangs up. Errors: `order-unknown`.
 */
export async function* watchOrder(
  context: OperatorContext,
  { order }: WatchOrderRequest,
  signal: AbortSignal,
): AsyncGenerator<OrderUpdate> {
  const { store, news, sessions } = context;
  const found = await findOrder(store, order);
  if (!found) throw new RejectedError('order-unknown', `failed to find order "${order}"`);
  const wakeup = new Wakeup();
  const unsubscribe = news.subscribe(order, () => wakeup.wake());
  const told = new Map<string, string>();
  try {
    for (; !signal.aborted; await wakeup.sleep(signal)) {
      const hosts = await hostsOfOrder(store, order);
      const receipts = await receiptsOfOrder(store, order);
      for (const update of hosts.flatMap((host) => updatesOf(host, receipts, sessions.isConnected(host.host)))) {
        const key = `${update.host} ${update.receivedAtMs} ${update.receipt.length}`;
        const text = `${update.deliveredAtMs} ${update.isConnected}`;
        if (told.get(key) === text) continue;
        told.set(key, text);
        yield update;
      }
      if (
        hosts.every(({ host }) =>
          isAnswered(
            found.kind,
            receipts.filter((receipt) => receipt.host === host),
          ),
        )
      )
        return;
    }
  } finally {
    unsubscribe();
  }
}

/** One for each answer; one without, where there is none yet. */
function updatesOf(row: OrderHostRow, receipts: readonly OrderReceiptRow[], isConnected: boolean): OrderUpdate[] {
  const about = { host: row.host, isConnected, deliveredAtMs: row.delivered_at ?? 0 };
  const own = receipts.filter(({ host }) => host === row.host);
  if (own.length === 0) return [{ ...about, receipt: Buffer.alloc(0), receivedAtMs: 0 }];
  return own.map(({ envelope, received_at }) => ({ ...about, receipt: envelope, receivedAtMs: received_at }));
}

function isAnswered(kind: string, receipts: readonly OrderReceiptRow[]): boolean {
  if (receipts.some(({ answer }) => answer === 'refused' || answer === 'stopped')) return true;
  return kind !== 'kill' && receipts.length > 0;
}
