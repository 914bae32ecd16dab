/**
 * Puts what hosts answered into the log (P9), and the kills that happened on a host itself. One batch at a time: while one is
 * being written, what comes waits together, so that ten thousand answers are not ten thousand transactions.
 *
 * What was not written when the control plane stopped is written when it starts: every answer is in the store.
 */
import { sha256 } from '../../shared/digest.ts';
import { readKillRecord } from '../../shared/orders/kill-record.ts';
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
    const answered = await store.selectFrom('gates').select('document').execute();
    await log.append(await this.#killsAmong(answered.map(({ document }) => document)));
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

  async #documents({ order, receipt }: OrderReceipt): Promise<LoggedDocument[]> {
    return [...(await this.#killsAmong([order])), { kind: 'receipt', document: receipt }];
  }

  /** What was not sent from here and is a host's own record of a kill; whatever else a host answers to is no order. */
  async #killsAmong(orders: readonly Buffer[]): Promise<LoggedDocument[]> {
    const kills: LoggedDocument[] = [];
    for (const order of orders) {
      if (readKillRecord(order)?.from !== 'host' || (await findOrder(this.#options.store, sha256(order)))) continue;
      kills.push({ kind: 'kill', document: order });
    }
    return kills;
  }
}
