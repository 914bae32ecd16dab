/**
 * Which complete subtrees a computation over a Merkle tree reads. It reads the same ones whatever their hashes are, so it is run
 * once over nothing to find out, and then over what a store was asked for in one go.
 */
import { HASH_BYTES, type NodeReader } from '../../shared/transparency/merkle.ts';

export interface NodePlace {
  readonly level: number;
  readonly position: number;
}

const NOTHING = Buffer.alloc(HASH_BYTES);

/** The nodes that `compute` reads, each once. */
export function neededNodes(compute: (node: NodeReader) => unknown): NodePlace[] {
  const places = new Map<string, NodePlace>();
  compute((level, position) => {
    places.set(`${level}/${position}`, { level, position });
    return NOTHING;
  });
  return [...places.values()];
}

/** A reader of nodes that are at hand. Throws `Error` on any other: then the store has lost one. */
export function readerOf(nodes: Iterable<NodePlace & { readonly hash: Uint8Array }>): NodeReader {
  const hashes = new Map([...nodes].map(({ level, position, hash }) => [`${level}/${position}`, Buffer.from(hash)]));
  return (level, position) => {
    const hash = hashes.get(`${level}/${position}`);
    if (!hash) throw new Error(`the log has lost its node ${level}/${position}`);
    return hash;
  };
}
