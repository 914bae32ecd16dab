/** A log in a store of its own that has many entries already. */
import Database from 'better-sqlite3';
import { openSqliteStore } from '../../../control-plane/store/database.ts';
import type { Store } from '../../../control-plane/store/schema.ts';
import { TransparencyLog } from '../../../control-plane/transparency/transparency-log.ts';
import { sha256 } from '../../../shared/digest.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { encodeLogRecord } from '../../../shared/transparency/log-record.ts';
import { leafHash, type MerkleNode, nodesCompletedBy } from '../../../shared/transparency/merkle.ts';
import { LOG } from '../../support/enable-world.ts';

const KIND = 'verdict';

export class FullLog implements AsyncDisposable {
  readonly log: TransparencyLog;
  readonly #store: Store;

  private constructor(store: Store) {
    this.#store = store;
    this.log = new TransparencyLog({ store, signer: LOG, clock: new FakeClock() });
  }

  /** Makes the store, and opens a log on it as the control plane does. Errors: `Error` when not all entries are there. */
  static async fill(path: string, size: number): Promise<FullLog> {
    await (await openSqliteStore(path)).destroy();
    writeEntries(path, size);
    const full = new FullLog(await openSqliteStore(path));
    if ((await full.log.size()) !== size) throw new Error(`expected ${size} entries in the log`);
    return full;
  }

  /** A document that nobody has appended yet. */
  static document(number: number) {
    return { kind: KIND, document: documentOf(number) } as const;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.destroy();
  }
}

/** As the log writes them, in one transaction and without its looks at what is there already. */
function writeEntries(path: string, size: number): void {
  const database = new Database(path);
  database.pragma('cache_size = -262144');
  const record = database.prepare(
    'insert into log_records (position, kind, sha256, document, logged_at) values (?, ?, ?, ?, 0)',
  );
  const kept = database.prepare('insert into log_nodes (level, position, hash) values (?, ?, ?)');
  const frontier = new Frontier();
  database
    .transaction(() => {
      for (let position = 0; position < size; position += 1) {
        const document = documentOf(position);
        record.run(position, KIND, sha256(document), document);
        const leaf = leafHash(encodeLogRecord(KIND, document));
        for (const { level, index, hash } of frontier.take(leaf, position)) kept.run(level, index, hash);
      }
    })
    .immediate();
  database.close();
}

/** The last complete subtree of each level: all that the next leaf needs. */
class Frontier {
  readonly #last = new Map<number, Buffer>();

  take(leaf: Buffer, position: number): MerkleNode[] {
    const completed = nodesCompletedBy(leaf, position, (level) => this.#last.get(level) ?? Buffer.alloc(0));
    for (const { level, hash } of completed) this.#last.set(level, hash);
    return completed;
  }
}

function documentOf(number: number): Buffer {
  return Buffer.from(`document ${number}`);
}
