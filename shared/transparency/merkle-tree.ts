/** A Merkle tree that is in memory whole: for the evidence of an order, ten thousand leaves and a proof for each. */
import { consistencyProof, inclusionProof, leafHash, type NodeReader, nodesCompletedBy, rootAt } from './merkle.ts';

export class MerkleTree {
  /** Complete subtrees by level and index. */
  readonly #levels: Buffer[][] = [];
  #size = 0;

  constructor(leaves: Iterable<Uint8Array>) {
    for (const leaf of leaves) this.#append(leafHash(leaf));
  }

  /** Of leaves that are known by their hashes alone. */
  static ofHashes(leafHashes: Iterable<Buffer>): MerkleTree {
    const tree = new MerkleTree([]);
    for (const hash of leafHashes) tree.#append(hash);
    return tree;
  }

  get size(): number {
    return this.#size;
  }

  root(): Buffer {
    return rootAt(this.#size, this.#node);
  }

  /** Throws `RangeError` where there is no such leaf. */
  proof(index: number): Buffer[] {
    return inclusionProof(index, this.#size, this.#node);
  }

  /** From the tree as it was with its first `oldSize` leaves. Throws `RangeError` where it never had so many. */
  consistency(oldSize: number): Buffer[] {
    return consistencyProof(oldSize, this.#size, this.#node);
  }

  #append(leaf: Buffer): void {
    for (const { level, index, hash } of nodesCompletedBy(leaf, this.#size, this.#node)) {
      const nodes = this.#levels[level] ?? [];
      nodes[index] = hash;
      this.#levels[level] = nodes;
    }
    this.#size += 1;
  }

  readonly #node: NodeReader = (level, index) => {
    const hash = this.#levels[level]?.[index];
    if (!hash) throw new RangeError(`expected a complete subtree at level ${level}, index ${index}`);
    return hash;
  };
}
