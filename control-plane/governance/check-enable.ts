/** An enable order as far as it can be judged away from its hosts: to fail early, where people still sit at the terminal. */
import { RejectedError } from '../../shared/errors.ts';
import { type EnableOrder, readEnableOrder } from '../../shared/orders/enable-order.ts';
import { type EvidenceLeaf, EvidenceTree } from '../../shared/orders/evidence-leaf.ts';
import { unmetBy } from '../../shared/orders/quorum.ts';
import { parseEnvelope, verifyApprovals } from '../../shared/trust/dsse.ts';
import { keyedApprovers, type Policy } from '../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../shared/trust/statement.ts';

/**
 * Which rule a host has is the host's to know, so the order has to meet one of them. Errors: those of `verifyApprovals` and
 * `readEnableOrder`; `quorum-not-met`, `evidence-not-in-order`, `order-expired`.
 */
export function checkEnable(
  envelope: Uint8Array,
  { policy, leaves, nowMs }: { policy: Policy; leaves: readonly EvidenceLeaf[]; nowMs: number },
): { readonly order: EnableOrder; readonly tree: EvidenceTree } {
  const approved = verifyApprovals(parseEnvelope(envelope), keyedApprovers(policy), {
    payloadType: STATEMENT_PAYLOAD_TYPE,
  });
  const unmet = policy.rules.map((rule) => unmetBy(approved.approvals, rule));
  if (!unmet.some((clauses) => clauses.length === 0)) {
    const [first] = unmet.flat();
    throw refused('quorum-not-met', `expected ${first?.count} of team "${first?.team}", got ${first?.actual}`);
  }
  const order = readEnableOrder(approved);
  if (leaves.length === 0) throw refused('evidence-not-in-order', 'no host is named');
  const tree = new EvidenceTree(leaves);
  if (tree.size !== order.evidence.size || tree.root().toString('hex') !== order.evidence.root) {
    throw refused('evidence-not-in-order', `the order does not cover exactly these ${tree.size} hosts`);
  }
  if (nowMs >= order.expiresMs) throw refused('order-expired', 'its window has ended');
  return { order, tree };
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to send the order: ${reason}`);
}
