/**
 * Merkle trees of RFC 6962: hashes, roots, inclusion and consistency proofs. No clock, disk, network or randomness.
 *
 * 1. A leaf and a node are hashed under different prefixes, so that neither passes for the other.
 * 2. Only complete subtrees are ever kept: `node(level, index)` covers the leaves from `index * 2^level` on, `2^level` of them.
 *    Every root and proof, of an older size too, is made of those.
 * 3. A proof is taken as a whole: with a hash too few or too many it proves nothing.
 */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;

/** A tree of 2^53 leaves has no longer path. */
const MAX_PROOF_COUNT = 64;

const LEAF_PREFIX = Buffer.from([0]);
const NODE_PREFIX = Buffer.from([1]);

/** The hash of a complete subtree. Must be there for every subtree that the size at hand has. */
export type NodeReader = (level: number, index: number) => Buffer;

/** A complete subtree that has come to be. */
export interface MerkleNode {
  readonly level: number;
  readonly index: number;
  readonly hash: Buffer;
}

export function leafHash(data: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([LEAF_PREFIX, data]), 'buffer');
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([NODE_PREFIX, left, right]), 'buffer');
}

/** The root of a tree without leaves. */
export function emptyRoot(): Buffer {
  return hash('sha256', '', 'buffer');
}

/** The subtrees that the leaf at `index` completes, itself first. */
export function nodesCompletedBy(leaf: Buffer, index: number, node: NodeReader): MerkleNode[] {
  const completed: MerkleNode[] = [{ level: 0, index, hash: leaf }];
  let position = index;
  for (let level = 0; position % 2 === 1; level += 1) {
    const left = node(level, position - 1);
    position = (position - 1) / 2;
    completed.push({ level: level + 1, index: position, hash: nodeHash(left, lastOf(completed).hash) });
  }
  return completed;
}

/** The root of the first `size` leaves. */
export function rootAt(size: number, node: NodeReader): Buffer {
  return size === 0 ? emptyRoot() : rangeHash(0, size, node);
}

/** Shows that the leaf at `index` is among the first `size`. Throws `RangeError` where there is no such leaf. */
export function inclusionProof(index: number, size: number, node: NodeReader): Buffer[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`expected a leaf below ${size}, got ${index}`);
  const proof: Buffer[] = [];
  for (let [from, to] = [0, size]; to - from > 1; ) {
    const middle = from + leftSize(to - from);
    const isLeft = index < middle;
    proof.unshift(isLeft ? rangeHash(middle, to, node) : rangeHash(from, middle, node));
    if (isLeft) to = middle;
    else from = middle;
  }
  return proof;
}

/** Shows that the first `oldSize` leaves are a beginning of the first `newSize`. Throws `RangeError` where they are more. */
export function consistencyProof(oldSize: number, newSize: number, node: NodeReader): Buffer[] {
  if (!(oldSize >= 0 && oldSize <= newSize)) throw new RangeError(`expected a size up to ${newSize}, got ${oldSize}`);
  if (oldSize === 0 || oldSize === newSize) return [];
  const proof: Buffer[] = [];
  let [from, to] = [0, newSize];
  while (to !== oldSize) {
    const middle = from + leftSize(to - from);
    const isLeft = oldSize <= middle;
    proof.unshift(isLeft ? rangeHash(middle, to, node) : rangeHash(from, middle, node));
    if (isLeft) to = middle;
    else from = middle;
  }
  // A verifier who knows the old root knows the subtree that it is.
  return from === 0 ? proof : [rangeHash(from, oldSize, node), ...proof];
}

export interface Inclusion {
  /** The leaf's hash. */
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** RFC 9162, section 2.1.3.2. Never throws, whatever it is given. */
export function provesInclusion({ leaf, index, size, proof, root }: Inclusion): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (!areHashes([leaf, root, ...proof])) return false;
  let [position, last] = [index, size - 1];
  let computed: Uint8Array = leaf;
  for (const sibling of proof) {
    if (last === 0) return false; // 3
    if (position % 2 === 1 || position === last) {
      computed = nodeHash(sibling, computed);
      while (position % 2 === 0 && position !== 0) [position, last] = [position / 2, half(last)];
    } else {
      computed = nodeHash(computed, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 && Buffer.compare(computed, root) === 0;
}

export interface Consistency {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** RFC 9162, section 2.1.4.2. Never throws, whatever it is given. */
export function provesConsistency({ oldSize, oldRoot, newSize, newRoot, proof }: Consistency): boolean {
  if (!isCount(oldSize) || !isCount(newSize) || oldSize > newSize) return false;
  if (!areHashes([oldRoot, newRoot, ...proof])) return false;
  if (oldSize === 0) return proof.length === 0 && Buffer.compare(oldRoot, emptyRoot()) === 0;
  if (oldSize === newSize) return proof.length === 0 && Buffer.compare(oldRoot, newRoot) === 0;
  return extendsRoot({ oldSize, oldRoot, newSize, newRoot, proof });
}

function extendsRoot({ oldSize, oldRoot, newSize, newRoot, proof }: Consistency): boolean {
  const [first, ...rest] = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let [position, last] = [oldSize - 1, newSize - 1];
  while (position % 2 === 1) [position, last] = [half(position), half(last)];
  let [old, grown] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false; // 3
    if (position % 2 === 1 || position === last) {
      [old, grown] = [nodeHash(sibling, old), nodeHash(sibling, grown)];
      while (position % 2 === 0 && position !== 0) [position, last] = [position / 2, half(last)];
    } else {
      grown = nodeHash(grown, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 && Buffer.compare(old, oldRoot) === 0 && Buffer.compare(grown, newRoot) === 0;
}

/** The hash over leaves `from` to `to`, which begin at a multiple of the power of two that is not below their number. */
function rangeHash(from: number, to: number, node: NodeReader): Buffer {
  const size = to - from;
  if (isPowerOfTwo(size)) return node(Math.log2(size), from / size);
  const middle = from + leftSize(size);
  return nodeHash(rangeHash(from, middle, node), rangeHash(middle, to, node));
}

/** The largest power of two below `size`. */
function leftSize(size: number): number {
  const power = 2 ** Math.floor(Math.log2(size));
  return power === size ? power / 2 : power;
}

function isPowerOfTwo(size: number): boolean {
  return 2 ** Math.floor(Math.log2(size)) === size;
}

function half(position: number): number {
  return Math.floor(position / 2);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.length <= MAX_PROOF_COUNT + 2 && hashes.every(({ length }) => length === HASH_BYTES);
}

function lastOf(nodes: readonly MerkleNode[]): MerkleNode {
  const last = nodes.at(-1);
  if (!last) throw new RangeError('expected at least one node');
  return last;
}
