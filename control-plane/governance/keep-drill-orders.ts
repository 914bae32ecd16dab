/** Takes in what approvers signed for drills. It cannot open anything, whoever holds it; what is not dead is not kept. */
import { RejectedError } from '../../shared/errors.ts';
import { PREPARED_ROWS, type PreparedRowName } from '../../shared/orders/drill.ts';
import { checkDrillOrder, drillLeaf } from '../../shared/orders/drill-order.ts';
import { type EnableOrder, readEnableOrder } from '../../shared/orders/enable-order.ts';
import type { EvidenceLeaf, EvidenceTree } from '../../shared/orders/evidence-leaf.ts';
import { unmetBy } from '../../shared/orders/quorum.ts';
import type { KeepDrillOrdersRequest, KeepDrillOrdersResponse } from '../../shared/rpc/generated/messages.ts';
import { parseEnvelope, verifyApprovals } from '../../shared/trust/dsse.ts';
import { keyedApprovers, type Policy } from '../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';
import type { OperatorContext } from '../operator/operator-context.ts';
import { saveDrillOrder } from '../store/drills.ts';
import { admittedHost } from '../store/hosts.ts';
import { policyInForce } from './policy-in-force.ts';

interface Prepared {
  readonly row: PreparedRowName;
  readonly envelope: Buffer;
  readonly order: EnableOrder;
  readonly tree: EvidenceTree;
}

/**
 * Durable when this returns. Errors: `drill-order-malformed`; `quorum-not-met`; those of `policyInForce`,
 * `verifyApprovals`, `readEnableOrder`, `checkDrillOrder` and `admittedHost`.
 */
export async function keepDrillOrders(
  { store, clock }: OperatorContext,
  { orders, leaves }: KeepDrillOrdersRequest,
): Promise<KeepDrillOrdersResponse> {
  const policy = await policyInForce(store);
  const trueLeaves = leaves.map(({ host, runId, head, epoch }) => ({ host, run: runId, head, epoch }));
  if (trueLeaves.length === 0) throw malformed('no host is named');
  const nowMs = clock.now();
  const prepared = orders.map((order) => readPrepared(order, { policy, trueLeaves, nowMs }));
  await store.transaction().execute(async (transaction) => {
    for (const leaf of trueLeaves) {
      await admittedHost(transaction, leaf.host);
      for (const one of prepared) await saveDrillOrder(transaction, rowOf(one, { leaf, nowMs }));
    }
  });
  return { hosts: trueLeaves.map(({ host }) => host).sort() };
}

function readPrepared(
  { row: name, envelope }: KeepDrillOrdersRequest['orders'][number],
  { policy, trueLeaves, nowMs }: { policy: Policy; trueLeaves: readonly EvidenceLeaf[]; nowMs: number },
): Prepared {
  const row = PREPARED_ROWS.find((known) => known === name);
  if (row === undefined) throw malformed(`no row is called "${name}"`);
  const approved = verifyApprovals(parseEnvelope(envelope), keyedApprovers(policy), {
    payloadType: STATEMENT_PAYLOAD_TYPE,
  });
  if (policy.rules.every((rule) => unmetBy(approved.approvals, rule).length > 0)) {
    throw new RejectedError('quorum-not-met', `failed to keep drill orders: "${row}" is not signed by enough people`);
  }
  const order = readEnableOrder(approved);
  const tree = checkDrillOrder(row, order, { leaves: trueLeaves, nowMs });
  return { row, envelope, order, tree };
}

function rowOf({ row, envelope, order, tree }: Prepared, { leaf, nowMs }: { leaf: EvidenceLeaf; nowMs: number }) {
  const proof = tree.proofFor(drillLeaf(row, leaf).host);
  if (!proof) throw malformed(`"${row}" does not cover host "${leaf.host}"`);
  return {
    app: order.app,
    host: leaf.host,
    name: row,
    envelope,
    run_id: leaf.run,
    head: leaf.head,
    epoch: leaf.epoch,
    evidence_index: proof.index,
    evidence_path: Buffer.concat(proof.path),
    prepared_at: nowMs,
  };
}

function malformed(reason: string): RejectedError {
  return new RejectedError('drill-order-malformed', `failed to keep drill orders: ${reason}`);
}
