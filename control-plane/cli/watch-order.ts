/**
 * Follows an order to the answers of its hosts: each is verified here with the key that this machine knows the host by, so it is
 * the host that is believed, and not the control plane.
 */
import { RejectedError } from '../../shared/errors.ts';
import { type Receipt, verifyReceipt } from '../../shared/orders/receipt.ts';
import type { OrderUpdate, SendOrderResponse } from '../../shared/rpc/generated/messages.ts';
import { pinnedHostKey } from './host-keys.ts';
import type { Publisher } from './publication.ts';

/** What one host has said of an order. */
export interface HostAnswer {
  readonly host: string;
  readonly isConnected: boolean;
  /** From the order to its being durable on the host, as the control plane heard of it; undefined while it is not. */
  readonly durableMs: number | undefined;
  /** In the order in which they came. */
  readonly receipts: readonly AnsweredAt[];
}

export interface AnsweredAt extends Receipt {
  /** From the order to the answer, as the control plane heard of it. */
  readonly afterMs: number;
}

export interface WatchedOrder extends SendOrderResponse {
  /** As it was sent: what the hosts answer to. */
  readonly document: Uint8Array;
  /** Those that were meant; of these none is missing from the result, whatever the control plane leaves out. */
  readonly meant: readonly string[];
}

export interface OrderWatching {
  readonly publisher: Publisher;
  readonly patienceMs: number;
  /** Each new answer, when it was verified. */
  readonly onAnswer?: (host: string, answer: AnsweredAt) => void;
}

/**
 * All hosts of the order, sorted; those that have not answered after `patienceMs` as far as they are. Errors: those of
 * `verifyReceipt` and `pinnedHostKey`.
 */
export async function watchOrder(
  { order, document, hosts, meant, orderedAtMs }: WatchedOrder,
  { publisher, patienceMs, onAnswer = () => {} }: OrderWatching,
): Promise<HostAnswer[]> {
  const keys = await hostKeys(publisher);
  const answers = new Map([...hosts, ...meant].map((host) => [host, unanswered(host)]));
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), patienceMs);
  try {
    for await (const update of publisher.client.watchOrder({ order }, { signal: late.signal })) {
      const before = answers.get(update.host) ?? unanswered(update.host);
      const after = withUpdate(before, { update, document, orderedAtMs, keys });
      answers.set(update.host, after);
      for (const receipt of after.receipts) if (!before.receipts.includes(receipt)) onAnswer(update.host, receipt);
    }
  } catch (error) {
    if (!late.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  return [...answers.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
}

/** The last answer of the kind, if it was given. */
export function answerOf({ receipts }: HostAnswer, answer: Receipt['answer']): AnsweredAt | undefined {
  return receipts.findLast((receipt) => receipt.answer === answer);
}

/** The key that this machine knows a host by. */
export async function hostKeys({ client, home }: Publisher): Promise<(host: string) => string> {
  const { hosts } = await client.listHosts({});
  const shown = new Map(hosts.map(({ name, ledgerPublicKey }) => [name, ledgerPublicKey]));
  return (host) => {
    const key = shown.get(host);
    if (key) return pinnedHostKey(home.folder, { host, shown: key });
    throw new RejectedError('host-unknown', `failed to verify the answer of host "${host}": it has no key`);
  };
}

function unanswered(host: string): HostAnswer {
  return { host, isConnected: false, durableMs: undefined, receipts: [] };
}

function withUpdate(
  before: HostAnswer,
  seen: {
    update: OrderUpdate;
    document: Uint8Array;
    orderedAtMs: number;
    keys: (host: string) => string;
  },
): HostAnswer {
  const { host, isConnected, deliveredAtMs, receipt, receivedAtMs } = seen.update;
  const durableMs = deliveredAtMs === 0 ? before.durableMs : deliveredAtMs - seen.orderedAtMs;
  if (receipt.length === 0) return { ...before, isConnected, durableMs };
  const said = verifyReceipt(receipt, { host, publicKey: seen.keys(host), order: seen.document });
  const isKnown = before.receipts.some(({ answer, atMs }) => answer === said.answer && atMs === said.atMs);
  const afterMs = receivedAtMs - seen.orderedAtMs;
  const receipts = isKnown ? before.receipts : [...before.receipts, { ...said, afterMs }];
  return { host, isConnected, durableMs, receipts };
}
