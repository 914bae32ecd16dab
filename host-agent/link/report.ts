/** Reports as the outbox keeps them. */
import { reportCodec } from '../../shared/rpc/definitions.ts';
import type { DirectiveOutcome, LedgerEntry, LiveReport, OrderReceipt } from '../../shared/rpc/generated/messages.ts';

/** The next entry of a ledger, with the head that was signed after it. */
export function encodeLedgerEntry(ledgerEntry: LedgerEntry): Buffer {
  return reportCodec.encode({ kind: 'ledgerEntry', ledgerEntry });
}

/** What became of a directive; an empty `refusalCode` says that it was accepted. */
export function encodeOutcome(directiveOutcome: DirectiveOutcome): Buffer {
  return reportCodec.encode({ kind: 'directiveOutcome', directiveOutcome });
}

/** The host's answer to an order. */
export function encodeReceipt(orderReceipt: OrderReceipt): Buffer {
  return reportCodec.encode({ kind: 'orderReceipt', orderReceipt });
}

/** What the host says of a live process. */
export function encodeLiveReport(liveReport: LiveReport): Buffer {
  return reportCodec.encode({ kind: 'liveReport', liveReport });
}
