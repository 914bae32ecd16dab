/**
 * The append-only log of everything that was decided (P9): RFC 6962 over records, in the control plane's store.
 *
 * 1. A record, the nodes that it completes and its place are one transaction; what was given a place keeps it.
 * 2. A checkpoint is signed only over what is durable, so no two of this log contradict each other.
 * 3. A document stands in it once: whoever appends it again hears where it is.
 */
import { type Sha256, sha256 } from '../../shared/digest.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { signCheckpoint } from '../../shared/transparency/checkpoint.ts';
import { encodeLogProof } from '../../shared/transparency/log-proof.ts';
import { encodeLogRecord, type LogKind } from '../../shared/transparency/log-record.ts';
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  type MerkleNode,
  type NodeReader,
  nodesCompletedBy,
  rootAt,
} from '../../shared/transparency/merkle.ts';
import type { NoteSigner } from '../../shared/transparency/signed-note.ts';
import type { NoteKey } from '../../shared/trust/verifier-key.ts';
import type { Store } from '../store/schema.ts';
import { type NodePlace, neededNodes, readerOf } from './needed-nodes.ts';

export interface LogEntry {
  readonly index: number;
  readonly kind: LogKind;
  readonly sha256: Sha256;
  readonly document: Buffer;
  readonly loggedAtMs: number;
}

export interface LoggedDocument {
  readonly kind: LogKind;
  readonly document: Uint8Array;
}

export interface TransparencyLogOptions {
  readonly store: Store;
  readonly signer: NoteSigner;
  readonly clock: Clock;
}

/** SQLite takes some thousand values in one statement. */
const NODES_PER_QUERY = 200;

export class TransparencyLog {
  readonly #store: Store;
  readonly #signer: NoteSigner;
  readonly #clock: Clock;

  constructor({ store, signer, clock }: TransparencyLogOptions) {
    this.#store = store;
    this.#signer = signer;
    this.#clock = clock;
  }

  /** What its states are verified with. */
  get key(): NoteKey {
    return this.#signer;
  }

  /** The places of the documents, in their order; durable when this resolves. */
  async append(documents: readonly LoggedDocument[]): Promise<number[]> {
    return this.#store.transaction().execute(async (transaction) => {
      const places: number[] = [];
      for (const document of documents) places.push(await this.#appendOne(document, transaction));
      return places;
    });
  }

  async size(): Promise<number> {
    return sizeOf(this.#store);
  }

  /** The signed state of the log, at its present size. */
  async checkpoint(): Promise<{ readonly size: number; readonly checkpoint: Buffer }> {
    const size = await this.size();
    const root = await this.#compute((node) => rootAt(size, node));
    return { size, checkpoint: signCheckpoint({ size, root }, this.#signer) };
  }

  /** A C2SP log proof of the entry at `index` under the present checkpoint. Throws `RangeError` where there is none. */
  async proofOf(index: number): Promise<{ readonly size: number; readonly proof: Buffer }> {
    const size = await this.size();
    const [root, path] = await this.#compute(
      (node) => [rootAt(size, node), inclusionProof(index, size, node)] as const,
    );
    return {
      size,
      proof: encodeLogProof({ index, proof: path, checkpoint: signCheckpoint({ size, root }, this.#signer) }),
    };
  }

  /** That the first `oldSize` entries are a beginning of the first `newSize`. Throws `RangeError` where they are more. */
  async consistency(oldSize: number, newSize: number): Promise<Buffer[]> {
    const size = await this.size();
    if (newSize > size) throw new RangeError(`expected a size up to ${size}, got ${newSize}`);
    return this.#compute((node) => consistencyProof(oldSize, newSize, node));
  }

  /** Entries from `first` on, at most `limit` of them. */
  async entries(first: number, limit: number): Promise<LogEntry[]> {
    const rows = await this.#store
      .selectFrom('log_records')
      .selectAll()
      .where('position', '>=', first)
      .orderBy('position')
      .limit(limit)
      .execute();
    return rows.map(({ position, kind, sha256: digest, document, logged_at }) => ({
      index: position,
      kind: kind as LogKind,
      sha256: digest,
      document,
      loggedAtMs: logged_at,
    }));
  }

  async #appendOne({ kind, document }: LoggedDocument, transaction: Store): Promise<number> {
    const digest = sha256(document);
    const known = await transaction
      .selectFrom('log_records')
      .select('position')
      .where('kind', '=', kind)
      .where('sha256', '=', digest)
      .executeTakeFirst();
    if (known) return known.position; // 3
    const position = await sizeOf(transaction);
    const row = { position, kind, sha256: digest, document: Buffer.from(document), logged_at: this.#clock.now() };
    await transaction.insertInto('log_records').values(row).execute();
    const leaf = leafHash(encodeLogRecord(kind, document));
    const completed = await this.#compute((node) => nodesCompletedBy(leaf, position, node), transaction);
    await transaction.insertInto('log_nodes').values(completed.map(asRow)).execute();
    return position;
  }

  async #compute<T>(compute: (node: NodeReader) => T, store: Store = this.#store): Promise<T> {
    return compute(readerOf(await readNodes(store, neededNodes(compute))));
  }
}

async function sizeOf(store: Store): Promise<number> {
  const last = await store
    .selectFrom('log_records')
    .select('position')
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last === undefined ? 0 : last.position + 1;
}

async function readNodes(store: Store, places: readonly NodePlace[]): Promise<(NodePlace & { hash: Buffer })[]> {
  const found: (NodePlace & { hash: Buffer })[] = [];
  for (let first = 0; first < places.length; first += NODES_PER_QUERY) {
    const some = places.slice(first, first + NODES_PER_QUERY);
    const rows = await store
      .selectFrom('log_nodes')
      .selectAll()
      .where(({ eb, or }) => or(some.map(({ level, position }) => eb.and({ level, position }))))
      .execute();
    found.push(...rows);
  }
  return found;
}

function asRow({ level, index, hash }: MerkleNode): { level: number; position: number; hash: Buffer } {
  return { level, position: index, hash };
}
