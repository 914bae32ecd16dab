/**
 * Brings a signed order to its hosts.
 *
 * 1. It is in the log before any host hears of it (P9), and all hosts' directives are durable before one of them is sent.
 * 2. Each host gets the proof that the log has only grown since the state that the host itself said it has seen.
 */
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Directive, SendOrderResponse } from '../../shared/rpc/generated/messages.ts';
import type { LogKind } from '../../shared/transparency/log-record.ts';
import type { OperatorContext } from '../operator/operator-context.ts';
import { type Addressee, appendDirective } from '../store/directives.ts';
import { addOrder, addOrderHost, seenLogSizes } from '../store/orders.ts';
import type { DirectiveRow, OrderRow } from '../store/schema.ts';

export interface Order {
  readonly kind: OrderRow['kind'] & LogKind & DirectiveRow['kind'];
  readonly app: string;
  /** As it was signed, or the control plane's own record. */
  readonly document: Buffer;
}

/** That the order is in the log, for one host. */
export interface InLog {
  readonly logProof: Buffer;
  readonly logConsistency: Buffer[];
}

export async function deliverOrder(
  context: OperatorContext,
  order: Order,
  { hosts, directiveFor }: { hosts: readonly Addressee[]; directiveFor: (host: string, inLog: InLog) => Directive },
): Promise<SendOrderResponse> {
  const { store, clock, sessions, log } = context;
  const [index = 0] = await log.append([{ kind: order.kind, document: order.document }]);
  const proofs = await proofsFor(context, index, hosts);
  const digest: Sha256 = sha256(order.document);
  const orderedAtMs = clock.now();
  await store.transaction().execute(async (transaction) => {
    const { kind, app, document } = order;
    await addOrder(transaction, { sha256: digest, kind, app, document, ordered_at: orderedAtMs });
    for (const { host, incarnation } of hosts) {
      const bytes = directiveCodec.encode(directiveFor(host, proofs(host)));
      const row = { host, incarnation, run_id: digest, kind, bytes, created_at: orderedAtMs };
      const seq = await appendDirective(transaction, row);
      await addOrderHost(transaction, { order_sha256: digest, host, incarnation, seq });
    }
  });
  for (const { host } of hosts) sessions.wake(host);
  return { order: digest, hosts: hosts.map(({ host }) => host).sort(), orderedAtMs };
}

/** One proof for all, and the growth from each size that some host has seen. */
export async function proofsFor(
  { store, log }: OperatorContext,
  index: number,
  hosts: readonly Addressee[],
): Promise<(host: string) => InLog> {
  const { size, proof } = await log.proofOf(index);
  const seen = await seenLogSizes(store, hosts);
  const growth = new Map<number, Buffer[]>();
  for (const oldSize of new Set(seen.values())) {
    // A host that has seen more than there is finds out by itself that this log is not the one it knew.
    growth.set(oldSize, oldSize > size ? [] : await log.consistency(oldSize, size));
  }
  return (host) => ({ logProof: proof, logConsistency: growth.get(seen.get(host) ?? 0) ?? [] });
}
