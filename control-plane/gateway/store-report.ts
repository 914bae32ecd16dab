/**
 * What a host reports becomes durable here, once.
 *
 * 1. A report and the inbox position that acknowledges it are stored in one transaction.
 * 2. A ledger entry counts only behind the one that is stored, under a head that the host's registered key has signed.
 * 3. What is stored is never overwritten: another entry in the same place is refused.
 * 4. A report that is refused is refused for good: said again, it is the same. It is kept aside as it came, and only then
 *    acknowledged, so that nothing acknowledged is lost and the reports behind it are heard. There is a bound to that: a
 *    host beyond it is not acknowledged any more.
 * 5. What cannot be kept is not acknowledged: a report without an id, or of a kind that a newer agent may know.
 */
import { RejectedError, type RejectionCode } from '../../shared/errors.ts';
import { checkLink, parseEntry, type SealedEntry } from '../../shared/ledger/entry.ts';
import { verifyHead } from '../../shared/ledger/head.ts';
import { LIMITS } from '../../shared/limits.ts';
import { reportCodec } from '../../shared/rpc/definitions.ts';
import type { DirectiveOutcome, LedgerEntry, OrderReceipt, Report } from '../../shared/rpc/generated/messages.ts';
import type { AdmittedHost } from '../authority/caller-admission.ts';
import { recordOutcome } from '../store/directives.ts';
import { inboxPosition, moveInboxPosition } from '../store/inbox-positions.ts';
import { addLedgerEntry, findLedgerEntry, setLedgerHead } from '../store/ledger-entries.ts';
import { refuseLiveRun } from '../store/live-runs.ts';
import { addRefusedReport, refusedReports } from '../store/refused-reports.ts';
import { advanceRun, findRun, setRefusal } from '../store/runs.ts';
import type { RunRow, Store } from '../store/schema.ts';
import { storeLiveReport, storeReceipt } from './store-order-report.ts';

/** What changed, for those who watch. */
export interface StoredReport {
  readonly runId: string;
  /** The run has entered a phase in which it may end, or the receipt of its report is in its ledger. */
  readonly isSettled: boolean;
  /** What a host answered, for the log. */
  readonly receipt?: OrderReceipt;
  /** The host has admitted an order that it had to refuse. */
  readonly isAlarm?: boolean;
}

/** What became of a report; whichever it is, it may be acknowledged. */
export type ReportFate =
  | ({ readonly kind: 'stored' } & StoredReport)
  /** It was stored, or kept aside, before. */
  | { readonly kind: 'repeated' }
  /** It is kept aside. The code is `report-malformed`, `directive-unknown`, `run-unknown`, `ledger-*`, or one of `parseEntry`, `checkLink` and `verifyHead`. */
  | { readonly kind: 'refused'; readonly error: RejectedError };

export interface NumberedReport {
  /** In the host's outbox. */
  readonly id: number;
  readonly report: Report;
}

/** Errors: `RejectedError('report-malformed')`, and nothing is stored then; the refusal itself beyond the bound of rule 4. */
export async function storeReport(
  store: Store,
  from: AdmittedHost,
  { id, report, now }: NumberedReport & { now: number },
): Promise<ReportFate> {
  if (id < 1) throw refused('report-malformed', 'it has no outbox id');
  if (report.kind === undefined) throw refused('report-malformed', 'it is of no kind that is known here');
  try {
    return await store.transaction().execute(async (transaction) => {
      if (id <= (await inboxPosition(transaction, from))) return { kind: 'repeated' };
      const stored = await storeByKind(transaction, from, { report, now });
      await moveInboxPosition(transaction, from, id);
      return { kind: 'stored', ...stored };
    });
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    await keepAside(store, from, { id, report, error, now });
    return { kind: 'refused', error };
  }
}

async function keepAside(
  store: Store,
  from: AdmittedHost,
  { id, report, error, now }: NumberedReport & { error: RejectedError; now: number },
): Promise<void> {
  const bytes = reportCodec.encode(report);
  await store.transaction().execute(async (transaction) => {
    const before = await refusedReports(transaction, from);
    const isBeyond =
      before.count >= LIMITS.refusedReportCount || before.bytes + bytes.length > LIMITS.refusedReportBytes;
    if (isBeyond) throw error;
    const { host, incarnation } = from;
    await addRefusedReport(transaction, { host, incarnation, id, code: error.code, bytes, received_at: now });
    await moveInboxPosition(transaction, from, id);
  });
}

type KnownReport = Extract<Report, { kind: string }>;

function storeByKind(
  store: Store,
  from: AdmittedHost,
  { report, now }: { report: KnownReport; now: number },
): Promise<StoredReport> {
  switch (report.kind) {
    case 'ledgerEntry':
      return storeLedgerEntry(store, from, report.ledgerEntry);
    case 'directiveOutcome':
      return storeOutcome(store, from, report.directiveOutcome);
    case 'orderReceipt':
      return storeReceipt(store, from, { receipt: report.orderReceipt, now });
    case 'liveReport':
      return storeLiveReport(store, from, report.liveReport);
  }
}

/** Shown to people, and in every list of runs. */
const REFUSAL_CODE = new RegExp(`^[a-z0-9-]{0,${LIMITS.codeLength}}$`);

async function storeOutcome(
  store: Store,
  from: AdmittedHost,
  { directiveSeq, refusalCode }: DirectiveOutcome,
): Promise<StoredReport> {
  if (!REFUSAL_CODE.test(refusalCode)) throw refused('report-malformed', `"${refusalCode.slice(0, 64)}" is no code`);
  const outcome = refusalCode === '' ? 'accepted' : refusalCode;
  const directive = await recordOutcome(store, from, { seq: directiveSeq, outcome });
  if (directive === undefined) throw refused('directive-unknown', `there is no directive ${directiveSeq}`);
  if (directive.outcome === outcome && refusalCode !== '') {
    if (directive.kind === 'runLive') await refuseLiveRun(store, directive.run_id, refusalCode);
    else await setRefusal(store, directive.run_id, refusalCode);
  }
  return { runId: directive.run_id, isSettled: false };
}

async function storeLedgerEntry(store: Store, from: AdmittedHost, message: LedgerEntry): Promise<StoredReport> {
  const run = await checkRun(store, from, message.runId);
  const sealed = parseEntry(message.entry);
  checkPlace(sealed, from, message);
  const present = await findLedgerEntry(store, run.id, message.seq);
  if (present !== undefined) return checkSameEntry(present.digest, sealed, run);
  checkLink(await storedEntry(store, run.id, message.seq - 1), sealed);
  if (message.seq === 0) checkAdmission(sealed, run);
  checkHead(sealed, from, message);
  await addLedgerEntry(store, { run_id: run.id, seq: message.seq, digest: sealed.digest, bytes: message.entry });
  await setLedgerHead(store, { run_id: run.id, size: message.seq + 1, envelope: message.head });
  const phase = phaseOf(sealed);
  await advanceRun(store, run.id, { entryCount: message.seq + 1, phase });
  return { runId: run.id, isSettled: isSettling(sealed) };
}

async function checkRun(store: Store, from: AdmittedHost, runId: string): Promise<RunRow> {
  const run = await findRun(store, runId);
  if (run === undefined) throw refused('run-unknown', `there is no run "${runId}"`);
  if (run.host !== from.host || run.incarnation !== from.incarnation) {
    throw refused('ledger-of-another-host', `run "${runId}" is not of host "${from.host}" in its present life`);
  }
  return run;
}

function checkPlace({ entry }: SealedEntry, from: AdmittedHost, { runId, seq }: LedgerEntry): void {
  if (entry.run === runId && entry.host === from.host && entry.seq === seq) return;
  throw refused(
    'ledger-entry-misplaced',
    `entry ${entry.seq} of run "${entry.run}" on "${entry.host}" came as entry ${seq} of "${runId}"`,
  );
}

function checkSameEntry(storedDigest: string, sealed: SealedEntry, run: RunRow): StoredReport {
  if (storedDigest === sealed.digest) return { runId: run.id, isSettled: false };
  throw refused(
    'ledger-contradicted',
    `entry ${sealed.entry.seq} of run "${run.id}" is "${storedDigest}", got "${sealed.digest}"`,
  );
}

/** The first entry says what the host admitted: it must be what the run was asked for. */
function checkAdmission({ entry }: SealedEntry, run: RunRow): void {
  const { body } = entry;
  if (body.type === 'run-admitted' && body.statementDigest === run.statement_sha256) return;
  throw refused('ledger-of-another-release', `run "${run.id}" was asked for statement "${run.statement_sha256}"`);
}

function checkHead(sealed: SealedEntry, from: AdmittedHost, { runId, head }: LedgerEntry): void {
  const verified = verifyHead(head, { publicKey: from.ledgerPublicKey, run: runId, host: from.host });
  if (verified.size === sealed.entry.seq + 1 && verified.head === sealed.digest) return;
  throw refused('ledger-head-mismatch', `the head covers ${verified.size} entries up to "${verified.head}"`);
}

async function storedEntry(store: Store, runId: string, seq: number): Promise<SealedEntry | undefined> {
  const row = await findLedgerEntry(store, runId, seq);
  return row && parseEntry(row.bytes);
}

const END_PHASES: readonly string[] = ['proven', 'failed', 'rolledBack'];

function isSettling({ entry: { body } }: SealedEntry): boolean {
  if (body.type === 'phase-entered') return END_PHASES.includes(body.to);
  return body.type === 'check-recorded' && body.evidence.gate === 'G8';
}

function phaseOf({ entry }: SealedEntry): string | undefined {
  if (entry.body.type === 'run-admitted') return 'admitted';
  return entry.body.type === 'phase-entered' ? entry.body.to : undefined;
}

function refused(code: RejectionCode, reason: string): RejectedError {
  return new RejectedError(code, `failed to store report: ${reason}`);
}
