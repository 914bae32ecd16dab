/** What the control plane knows of a host that an order would be judged by: enough to say which rule should speak. */
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Enable } from '../../shared/rpc/generated/messages.ts';
import type { Addressee } from '../store/directives.ts';
import type { DrillOrderRow } from '../store/drill-schema.ts';
import { findLedgerEntry } from '../store/ledger-entries.ts';
import { findRun } from '../store/runs.ts';
import type { Store } from '../store/schema.ts';

/** Whether the run that the orders were signed for is proven, with no entry in its ledger since. */
export async function standsWith(store: Store, host: Addressee, { run_id, head }: DrillOrderRow): Promise<boolean> {
  const run = await findRun(store, run_id);
  if (run?.host !== host.host || run.incarnation !== host.incarnation || run.phase !== 'proven') return false;
  return (await findLedgerEntry(store, run_id, run.entry_count - 1))?.digest === head;
}

/** As the host told it last; 0 for a gate that it never spoke of. */
export async function presentEpoch(store: Store, { host, incarnation }: Addressee, app: string): Promise<number> {
  const row = await store
    .selectFrom('gates')
    .select('epoch')
    .where('host', '=', host)
    .where('incarnation', '=', incarnation)
    .where('app', '=', app)
    .executeTakeFirst();
  return row?.epoch ?? 0;
}

/** The order that opened the gate last, as it was sent. */
export async function lastAdmitted(
  store: Store,
  { host, incarnation }: Addressee,
  app: string,
): Promise<Enable | undefined> {
  const row = await store
    .selectFrom('directives')
    .innerJoin('orders', 'orders.sha256', 'directives.run_id')
    .select('directives.bytes')
    .where('directives.host', '=', host)
    .where('directives.incarnation', '=', incarnation)
    .where('directives.kind', '=', 'enable')
    .where('directives.outcome', '=', 'accepted')
    .where('orders.app', '=', app)
    .orderBy('directives.seq', 'desc')
    .executeTakeFirst();
  const directive = row && directiveCodec.decode(row.bytes);
  return directive?.kind === 'enable' ? directive.enable : undefined;
}
