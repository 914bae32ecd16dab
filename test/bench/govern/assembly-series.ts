/** What the control plane puts together for an order: the evidence of all hosts, the payload to sign, a proof for each host. */
import { performance } from 'node:perf_hooks';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { EvidenceTree, encodeLeaf } from '../../../shared/orders/evidence-leaf.ts';
import { leafHash, provesInclusion } from '../../../shared/transparency/merkle.ts';
import { orderOf } from '../../support/enable-world.ts';
import type { Bench } from './bench.ts';
import { fleetLeaves } from './fleet-order.ts';

/** Milliseconds for one order, several times. */
export async function assemblies({ scale }: Bench): Promise<number[]> {
  return Array.from({ length: scale.readings }, () => {
    const leaves = fleetLeaves(scale.hostCount);
    const startedAtMs = performance.now();
    const tree = new EvidenceTree(leaves);
    const root = tree.root();
    encodeEnableOrder(orderOf({ evidence: { root: root.toString('hex'), size: tree.size } }));
    const proofs = leaves.map(({ host }) => tree.proofFor(host));
    const ms = performance.now() - startedAtMs;
    assertProven(proofs, { root, size: tree.size });
    return ms;
  });
}

/** Not measured: each host does it for itself. */
function assertProven(
  proofs: readonly ReturnType<EvidenceTree['proofFor']>[],
  { root, size }: { root: Buffer; size: number },
): void {
  const proven = proofs.filter(
    (proof) =>
      proof &&
      provesInclusion({ leaf: leafHash(encodeLeaf(proof.leaf)), index: proof.index, size, proof: proof.path, root }),
  );
  if (proven.length !== size) throw new Error(`${proven.length} of ${size} hosts have a proof`);
}
