/**
 * What a host reports becomes durable here, once.
 *
 * 1. A report and the inbox position that acknowledges it are stored in one transaction.
 * 2. A ledger entry counts only behind the one that is stored, under a head that the host's registered key has signed.
 * 3. What is stored is never overwritten: another entry in the same place is refused.
 */
import { RejectedError, type RejectionCode } from '../../shared/errors.ts';
import { checkLink, parseEntry, type SealedEntry } from '../../shared/ledger/entry.ts';
import { verifyHead } from '../../shared/ledger/head.ts';
import type { DirectiveOutcome, LedgerEntry, Report } from '../../shared/rpc/generated/messages.ts';
import type { AdmittedHost } from '../authority/caller-admission.ts';
import { recordOutcome } from '../store/directives.ts';
import { inboxPosition, moveInboxPosition } from '../store/inbox-positions.ts';
import { addLedgerEntry, findLedgerEntry, setLedgerHead } from '../store/ledger-entries.ts';
import { advanceRun, findRun, setRefusal } from '../store/runs.ts';
import type { RunRow, Store } from '../store/schema.ts';

/** What changed, for those who watch; undefined when the report was stored before. */
export interface StoredReport {
  readonly runId: string;
  /** The run has entered a phase in which it may end, or the receipt of its report is in its ledger. */
  readonly isSettled: boolean;
}

/**
 * Stores the report with outbox id `id`. Errors: `RejectedError` with `report-malformed`, `directive-unknown`,
 * `run-unknown`, `ledger-*`, and the codes of `parseEntry`, `checkLink` and `verifyHead`. Nothing is stored then.
 */
export async function storeReport(
  store: Store,
  from: AdmittedHost,
  { id, report }: { id: number; report: Report },
): Promise<StoredReport | undefined> {
  if (id < 1) throw refused('report-malformed', 'it has no outbox id');
  return store.transaction().execute(async (transaction) => {
    if (id <= (await inboxPosition(transaction, from))) return undefined;
    const stored = await storeByKind(transaction, from, report);
    await moveInboxPosition(transaction, from, id);
    return stored;
  });
}

function storeByKind(store: Store, from: AdmittedHost, report: Report): Promise<StoredReport> {
  switch (report.kind) {
    case 'ledgerEntry':
      return storeLedgerEntry(store, from, report.ledgerEntry);
    case 'directiveOutcome':
      return storeOutcome(store, from, report.directiveOutcome);
    case undefined:
      throw refused('report-malformed', 'it is of no kind that is known here');
  }
}

async function storeOutcome(
  store: Store,
  from: AdmittedHost,
  { directiveSeq, refusalCode }: DirectiveOutcome,
): Promise<StoredReport> {
  const outcome = refusalCode === '' ? 'accepted' : refusalCode;
  const directive = await recordOutcome(store, from, { seq: directiveSeq, outcome });
  if (directive === undefined) throw refused('directive-unknown', `there is no directive ${directiveSeq}`);
  if (directive.outcome === outcome && refusalCode !== '') await setRefusal(store, directive.run_id, refusalCode);
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
