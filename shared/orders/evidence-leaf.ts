/**
 * What an enable order is bound to, for one host: which host, the head of its proving ledger, and the epoch of its gate.
 * An order signs the Merkle root over the leaves of all its hosts; each host is shown its own leaf and the path to the root.
 */
import { encodeCanonical } from '../canonical-json.ts';
import type { Sha256 } from '../digest.ts';
import { MerkleTree } from '../transparency/merkle-tree.ts';

export interface EvidenceLeaf {
  readonly host: string;
  /** The run that proved the release there. */
  readonly run: string;
  /** The digest of the last entry of that run's ledger. */
  readonly head: Sha256;
  /** Of the application's gate on that host. */
  readonly epoch: number;
}

/** A host's leaf with the path to the root. */
export interface EvidenceProof {
  readonly leaf: EvidenceLeaf;
  readonly index: number;
  readonly path: readonly Uint8Array[];
}

/** The bytes that are hashed. The kind keeps a leaf from passing for any other document of ours. */
export function encodeLeaf({ host, run, head, epoch }: EvidenceLeaf): Buffer {
  return encodeCanonical({ epoch, head, host, kind: 'keyturn-evidence/v1', run });
}

/** All hosts of an order, sorted by name, each once. Throws `RangeError` on none, or on a host that stands there twice. */
export class EvidenceTree {
  readonly leaves: readonly EvidenceLeaf[];
  readonly #tree: MerkleTree;
  readonly #indexes: ReadonlyMap<string, number>;

  constructor(leaves: Iterable<EvidenceLeaf>) {
    this.leaves = [...leaves].sort((a, b) => (a.host < b.host ? -1 : 1));
    this.#indexes = new Map(this.leaves.map(({ host }, index) => [host, index]));
    if (this.leaves.length === 0) throw new RangeError('expected at least one host');
    if (this.#indexes.size !== this.leaves.length) throw new RangeError('a host stands there twice');
    this.#tree = new MerkleTree(this.leaves.map(encodeLeaf));
  }

  get size(): number {
    return this.#tree.size;
  }

  root(): Buffer {
    return this.#tree.root();
  }

  /** Undefined for a host that is not of the order. */
  proofFor(host: string): EvidenceProof | undefined {
    const index = this.#indexes.get(host);
    const leaf = index === undefined ? undefined : this.leaves[index];
    return index === undefined || !leaf ? undefined : { leaf, index, path: this.#tree.proof(index) };
  }
}
