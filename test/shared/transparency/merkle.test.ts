/** P9: RFC 6962's trees, held against the RFC's own recursive definitions and the roots that Certificate Transparency publishes. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHash,
  type NodeReader,
  nodesCompletedBy,
  provesConsistency,
  provesInclusion,
  rootAt,
} from '../../../shared/transparency/merkle.ts';
import { MerkleTree } from '../../../shared/transparency/merkle-tree.ts';

/** The leaves of Certificate Transparency's reference tree, and the roots of its first sizes. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** Every size up to here, with every leaf and every older size. */
const SIZES = 40;

// RFC 6962, section 2.1, word for word, over all leaves.
const sha = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
const cut = (count: number) => {
  let k = 1;
  while (k * 2 < count) k *= 2;
  return k;
};
function mth(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return sha(Buffer.from([0]), leaves[0] as Buffer);
  const k = cut(leaves.length);
  return sha(Buffer.from([1]), mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}
function path(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 1) return [];
  const k = cut(leaves.length);
  return m < k
    ? [...path(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), mth(leaves.slice(0, k))];
}
function subproof(m: number, leaves: readonly Buffer[], isWhole: boolean): Buffer[] {
  if (m === leaves.length) return isWhole ? [] : [mth(leaves)];
  const k = cut(leaves.length);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), isWhole), mth(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))];
}

const leavesOf = (count: number) => Array.from({ length: count }, (_, index) => Buffer.from(`leaf ${index}`));
const hex = (hashes: readonly Uint8Array[]) => hashes.map((bytes) => Buffer.from(bytes).toString('hex'));

/** Complete subtrees of `leaves`, as a log keeps them. */
function keep(leaves: readonly Buffer[]): NodeReader {
  const kept = new Map<string, Buffer>();
  const node: NodeReader = (level, index) => {
    const hash = kept.get(`${level}/${index}`);
    if (!hash) throw new Error(`there is no complete subtree ${level}/${index}`);
    return hash;
  };
  for (const [at, leaf] of leaves.entries()) {
    for (const { level, index, hash } of nodesCompletedBy(leafHash(leaf), at, node))
      kept.set(`${level}/${index}`, hash);
  }
  return node;
}

describe('shared/transparency/merkle', () => {
  it('has the roots that Certificate Transparency publishes', () => {
    const leaves = LEAVES.map((leaf) => Buffer.from(leaf, 'hex'));
    const roots = ROOTS.map((_, size) => new MerkleTree(leaves.slice(0, size)).root());
    expect(hex(roots)).to.deep.equal(ROOTS);
    expect(hex([emptyRoot()])).to.deep.equal(ROOTS.slice(0, 1));
  });

  it('makes the roots and proofs of the RFC for every size, leaf and older size', () => {
    const leaves = leavesOf(SIZES);
    const node = keep(leaves);
    for (let size = 0; size <= SIZES; size += 1) {
      const tree = leaves.slice(0, size);
      expect(hex([rootAt(size, node)]), `root at ${size}`).to.deep.equal(hex([mth(tree)]));
      for (let index = 0; index < size; index += 1) {
        expect(hex(inclusionProof(index, size, node)), `${index} in ${size}`).to.deep.equal(hex(path(index, tree)));
      }
      for (let old = 1; old <= size; old += 1) {
        expect(hex(consistencyProof(old, size, node)), `${old} to ${size}`).to.deep.equal(
          hex(subproof(old, tree, true)),
        );
      }
    }
  });

  it('takes every such proof, and none of another leaf, index, size or root, with a bit, a hash more or less', () => {
    const leaves = leavesOf(SIZES);
    const node = keep(leaves);
    let taken = 0;
    for (let size = 1; size <= SIZES; size += 1) {
      const root = rootAt(size, node);
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(index, size, node);
        const honest = { leaf: leafHash(leaves[index] as Buffer), index, size, proof, root };
        expect(provesInclusion(honest), `${index} in ${size}`).to.equal(true);
        taken += 1;
        const lies = [
          { ...honest, leaf: leafHash(Buffer.from('another')) },
          { ...honest, index: index + 1 },
          { ...honest, index: index - 1 },
          { ...honest, index: index + 0.5 },
          { ...honest, index: size },
          { ...honest, size: index },
          { ...honest, root: leafHash(root) },
          { ...honest, root: root.subarray(1) },
          { ...honest, proof: [...proof, root] },
          { ...honest, proof: [root, ...proof] },
          ...(proof.length > 0
            ? [
                { ...honest, proof: proof.slice(1) },
                { ...honest, proof: proof.slice(0, -1) },
              ]
            : []),
          ...proof.map((_, at) => ({ ...honest, proof: flipped(proof, at) })),
        ];
        for (const [at, lie] of lies.entries())
          expect(provesInclusion(lie), `${index} in ${size}, ${at}`).to.equal(false);
      }
    }
    expect(taken).to.equal((SIZES * (SIZES + 1)) / 2);
  });

  it('takes every proof that a log only grew, and none with a bit, a hash, a size or a root changed', () => {
    const leaves = leavesOf(SIZES);
    const node = keep(leaves);
    for (let newSize = 0; newSize <= SIZES; newSize += 1) {
      const newRoot = rootAt(newSize, node);
      for (let oldSize = 0; oldSize <= newSize; oldSize += 1) {
        const proof = consistencyProof(oldSize, newSize, node);
        const honest = { oldSize, oldRoot: rootAt(oldSize, node), newSize, newRoot, proof };
        expect(provesConsistency(honest), `${oldSize} to ${newSize}`).to.equal(true);
        const other = leafHash(newRoot);
        const lies = [
          { ...honest, oldRoot: other },
          { ...honest, oldSize: newSize + 1 },
          { ...honest, oldSize: -1 },
          { ...honest, proof: [...proof, other] },
          { ...honest, proof: [other, ...proof] },
          ...(oldSize > 0 ? [{ ...honest, newRoot: other }] : []),
          ...(proof.length > 0
            ? [
                { ...honest, proof: proof.slice(1) },
                { ...honest, proof: proof.slice(0, -1) },
              ]
            : []),
          ...proof.map((_, at) => ({ ...honest, proof: flipped(proof, at) })),
        ];
        for (const [at, lie] of lies.entries()) {
          expect(provesConsistency(lie), `${oldSize} to ${newSize}, ${at}`).to.equal(false);
        }
      }
    }
  });

  it('proves the same whether it keeps a tree in memory or its complete subtrees (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(), (size, pick) => {
        const leaves = leavesOf(size);
        const tree = new MerkleTree(leaves);
        const index = pick % size;
        expect(tree.size).to.equal(size);
        const leaf = leafHash(leaves[index] as Buffer);
        expect(provesInclusion({ leaf, index, size, proof: tree.proof(index), root: tree.root() })).to.equal(true);
      }),
      { numRuns: 20 },
    );
  });

  it('does not break on any numbers and lengths (property)', () => {
    const bytes = fc.uint8Array({ minLength: 31, maxLength: 33 });
    const count = fc.oneof(fc.nat(), fc.double(), fc.constant(2 ** 53), fc.constant(-1), fc.constant(Number.NaN));
    fc.assert(
      fc.property(bytes, count, count, fc.array(bytes, { maxLength: 70 }), bytes, (leaf, index, size, proof, root) => {
        expect(provesInclusion({ leaf, index, size, proof, root })).to.equal(false);
        const grown = { oldSize: index, oldRoot: leaf, newSize: size, newRoot: root, proof };
        if (provesConsistency(grown)) expect([index, Buffer.from(leaf)]).to.deep.equal([size, Buffer.from(root)]);
      }),
    );
  });

  it('makes no proof of what is not there', () => {
    const node = keep(leavesOf(3));
    expect(() => inclusionProof(3, 3, node)).to.throw(RangeError);
    expect(() => inclusionProof(-1, 3, node)).to.throw(RangeError);
    expect(() => consistencyProof(4, 3, node)).to.throw(RangeError);
  });
});

function flipped(proof: readonly Buffer[], at: number): Buffer[] {
  return proof.map((hash, index) => {
    if (index !== at) return hash;
    const copy = Buffer.from(hash);
    copy.writeUInt8(copy.readUInt8(7) ^ 0x10, 7);
    return copy;
  });
}
