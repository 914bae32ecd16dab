/** The host's answers to orders: each becomes durable in the transaction of what it tells, and is reported from there. */
import { sha256 } from '../../shared/digest.ts';
import type { RejectionCode } from '../../shared/errors.ts';
import { type Answer, signReceipt } from '../../shared/orders/receipt.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';
import type { GateKeeper } from '../gate/gate-keeper.ts';
import type { GateStore } from '../gate/gate-store.ts';
import type { JournalDatabase } from '../journal/journal.ts';
import type { JournalOutbox } from '../journal/outbox.ts';

export interface AnswerMeans {
  readonly host: string;
  readonly hostKey: SigningKey;
  readonly database: JournalDatabase;
  readonly outbox: JournalOutbox;
  readonly keeper: GateKeeper;
  readonly gates: GateStore;
  readonly nowMs: () => number;
  /** Of an order that was carried here: for how long its trust metadata had run out. */
  readonly trustAgeMs?: number;
  readonly encodeReceipt: (receipt: { order: Buffer; receipt: Buffer }) => Uint8Array;
}

export interface Answering {
  readonly app: string;
  /** As it reached the host. */
  readonly order: Uint8Array;
  readonly answer: Answer;
  readonly code?: RejectionCode;
}

/** To be called inside the transaction; `outbox.announce` follows once that is committed. Returns the signed receipt. */
export function answer({ app, order, answer: said, code }: Answering, means: AnswerMeans): Buffer {
  const view = means.keeper.view(app);
  const epoch = view.state === 'unknown' ? 0 : view.epoch;
  const about = { host: means.host, app, order: sha256(order), answer: said, code, epoch };
  const logSize = means.gates.largestLogSize();
  const receipt = signReceipt({ ...about, logSize, trustAgeMs: means.trustAgeMs, atMs: means.nowMs() }, means.hostKey);
  means.outbox.append(means.encodeReceipt({ order: Buffer.from(order), receipt }));
  return receipt;
}
