/**
 * The records of the log that concern a run, each verified by what its kind asks for: heads and answers by the host's key,
 * decisions by the approvers of the policies that were in force.
 */
import { type Sha256, sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { type LedgerHead, verifyHead } from '../ledger/head.ts';
import type { VerifiedLedger } from '../ledger/ledger-bundle.ts';
import { type EnableOrder, readEnableOrder } from '../orders/enable-order.ts';
import { type KillOrder, verifyKillOrder } from '../orders/kill-order.ts';
import { readKillRecord } from '../orders/kill-record.ts';
import { type Receipt, verifyReceipt } from '../orders/receipt.ts';
import { parseStatement, RULING_PREDICATE } from '../trust/statement.ts';
import type { JsonObject } from '../trust/strict-json.ts';
import { checkSomeRuleMet, type Judges, type Person, type RuleStanding, reviewApprovals } from './approval-review.ts';
import { claimedStatement } from './claimed-statement.ts';
import type { EvidenceRecord } from './evidence-bundle.ts';

export interface ReviewContext extends Judges {
  readonly ledger: VerifiedLedger;
  /** SPKI PEM. */
  readonly hostPublicKey: string;
}

/** Where a document stands in the log, and what it is called by. */
export interface Place {
  readonly index: number;
  readonly sha256: Sha256;
}

export interface VerdictReview extends Place {
  /** How many entries of the ledger it covers. */
  readonly size: number;
  readonly at: string;
}

export interface OrderReview extends Place {
  readonly order: EnableOrder;
  readonly people: readonly Person[];
  readonly rules: readonly RuleStanding[];
}

export interface ApprovalRecordReview extends Place {
  readonly order: EnableOrder;
  readonly people: readonly Person[];
}

export interface KillReview extends Place {
  readonly order: KillOrder;
  readonly people: readonly Person[];
  /** Whose word it was, where nobody signed. */
  readonly unsignedBy: string | undefined;
}

export interface RulingReview extends Place {
  readonly predicate: JsonObject;
  readonly people: readonly Person[];
}

export interface ReceiptReview extends Place {
  readonly receipt: Receipt;
}

export interface RecordReviews {
  readonly verdicts: readonly VerdictReview[];
  readonly orders: readonly OrderReview[];
  readonly approvals: readonly ApprovalRecordReview[];
  readonly kills: readonly KillReview[];
  readonly rulings: readonly RulingReview[];
  readonly receipts: readonly ReceiptReview[];
}

/** Errors: those of each kind's own reader, and of `reviewApprovals`; `verdict-differs`, `order-for-another-release`, `ruling-differs`. */
export function reviewRecords(records: readonly EvidenceRecord[], context: ReviewContext): RecordReviews {
  const of = <R>(kind: EvidenceRecord['kind'], review: (record: EvidenceRecord) => R): (R & Place)[] =>
    records
      .filter((record) => record.kind === kind)
      .map((record) => ({ index: record.index, sha256: sha256(record.document), ...review(record) }));
  return {
    verdicts: of('verdict', (record) => reviewVerdict(record, context)),
    orders: of('enable', (record) => reviewOrder(record, context)),
    approvals: of('approval', (record) => reviewApproval(record, context)),
    kills: of('kill', (record) => reviewKill(record, context)),
    rulings: of('ruling', (record) => reviewRuling(record, context)),
    receipts: of('receipt', (record) => reviewReceipt(record, { records, context })),
  };
}

/** A head of an earlier day covers a beginning of the ledger, and must be the head of just that. */
function reviewVerdict({ document }: EvidenceRecord, { ledger, hostPublicKey }: ReviewContext) {
  const { run, host } = ledger.summary;
  const head: LedgerHead = verifyHead(document, { publicKey: hostPublicKey, run, host });
  if (ledger.entries[head.size - 1]?.digest !== head.head)
    throw refused('verdict-differs', `the log has a head over ${head.size} entries that is not of this ledger`);
  return { size: head.size, at: head.at };
}

function reviewOrder({ document }: EvidenceRecord, context: ReviewContext) {
  const review = reviewApprovals(document, context);
  checkSomeRuleMet(review);
  const order = readEnableOrder(review.approved);
  checkRelease(order, context);
  return { order, people: review.people, rules: review.rules };
}

function reviewApproval({ document }: EvidenceRecord, context: ReviewContext) {
  const { approved, people } = reviewApprovals(document, context);
  const order = readEnableOrder(approved);
  checkRelease(order, context);
  return { order, people };
}

/** One that nobody signed is what the control plane or the host wrote down; the host's receipt says that it was obeyed. */
function reviewKill({ document }: EvidenceRecord, context: ReviewContext) {
  const unsigned = readKillRecord(document);
  if (unsigned) {
    const { app, hosts, atMs, reason } = unsigned;
    const order: KillOrder = { app, hosts: hosts.length === 0 ? undefined : hosts, issuedAtMs: atMs, reason };
    return { order, people: [], unsignedBy: `${unsigned.by} (${unsigned.from})` };
  }
  const { policy, people } = reviewApprovals(document, context);
  const { host } = context.ledger.summary;
  return { order: verifyKillOrder(document, { policy, host }).order, people, unsignedBy: undefined };
}

function reviewRuling({ document }: EvidenceRecord, context: ReviewContext) {
  const { approved, people } = reviewApprovals(document, context);
  const { subject, predicate } = parseStatement(approved, RULING_PREDICATE);
  const { ledger } = context;
  const bound = subject.find(({ name }) => name === ledger.summary.run);
  // People sign for the ledger that they saw: an entry of this one, or it was another.
  if (bound && !ledger.entries.some(({ digest }) => digest === bound.digest.sha256))
    throw refused('ruling-differs', `it is bound to head "${bound.digest.sha256}", which is not of this ledger`);
  return { predicate, people };
}

function reviewReceipt(
  { document }: EvidenceRecord,
  { records, context }: { records: readonly EvidenceRecord[]; context: ReviewContext },
) {
  const { ledger, hostPublicKey } = context;
  const claimed = claimedStatement(document)?.subject.sha256;
  const order = records.find((record) => record.kind !== 'receipt' && sha256(record.document) === claimed);
  const audience = { host: ledger.summary.host, publicKey: hostPublicKey, order: order?.document ?? Buffer.alloc(0) };
  return { receipt: verifyReceipt(document, audience) };
}

function checkRelease(order: EnableOrder, { ledger: { admitted } }: ReviewContext): void {
  const { app, version, treeDigest } = order;
  if (app === admitted.app && version === admitted.version && treeDigest === admitted.treeDigest) return;
  throw refused('order-for-another-release', `it is for "${app}@${version}", tree "${treeDigest}"`);
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to verify a record of the log: ${reason}`);
}
