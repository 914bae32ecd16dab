/**
 * Puts what hosts answered into the log (P9), and the kills that happened on a host itself. One batch at a time: while one is
 * being written, what comes waits together, so that ten thousand answers are not ten thousand transactions.
 *
 * What was not written when the control plane stopped is written when it starts: every answer is in the store.
 */
import { sha256 } from '../../shared/digest.ts';
import type { OrderReceipt } from '../../shared/rpc/generated/messages.ts';
import { findOrder } from '../store/orders.ts';
import type { Store } from '../store/schema.ts';
import type { LoggedDocument, TransparencyLog } from '../transparency/transparency-log.ts';

export interface ReceiptLogOptions {
  readonly store: Store;
  readonly log: TransparencyLog;
  readonly onError: (action: string, error: unknown) => void;
}

const BATCH_COUNT = 500;

export class ReceiptLog {
  readonly #options: ReceiptLogOptions;
  #waiting: OrderReceipt[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: ReceiptLogOptions) {
    this.#options = options;
  }

  /** Never throws. */
  add(receipt: OrderReceipt): void {
    this.#waiting.push(receipt);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Appends what the store holds and the log lacks: the log takes nothing twice. */
  async catchUp(): Promise<void> {
    const { store, log } = this.#options;
    const rows = await store.selectFrom('order_receipts').select('envelope').orderBy('received_at').execute();
    for (let first = 0; first < rows.length; first += BATCH_COUNT) {
      const some = rows.slice(first, first + BATCH_COUNT);
      await log.append(some.map(({ envelope }) => ({ kind: 'receipt', document: envelope })));
    }
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_COUNT);
      try {
        await this.#options.log.append((await Promise.all(batch.map((receipt) => this.#documents(receipt)))).flat());
      } catch (error) {
        this.#options.onError('log what hosts answered', error);
      }
    }
  }

  /** An order that was not sent from here is a kill on the host itself. */
  async #documents({ order, receipt }: OrderReceipt): Promise<LoggedDocument[]> {
    const known = await findOrder(this.#options.store, sha256(order));
    const answered: LoggedDocument[] = known ? [] : [{ kind: 'kill', document: order }];
    return [...answered, { kind: 'receipt', document: receipt }];
  }
}
