/**
 * G8: makes the report of each run that has ended.
 *
 * 1. Documents 01 to 07 come from the ledger as it stands after the run; they go to the sinks, and their digests to the
 *    host, which records them as evidence of G8.
 * 2. Document 08 comes from the ledger that is then complete; it goes to the same sinks, beside 01 to 07 as they were when
 *    the host signed their digests.
 * 3. A run that is rolled back later gets all its documents anew; what the host recorded of the first ones stays.
 * 4. What was not finished when the control plane stopped is done when it starts.
 */
import type { CheckRow } from '../../shared/ledger/derive.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { ControlPlane } from '../service.ts';
import { findLedgerHead } from '../store/ledger-entries.ts';
import { findReport, replaceReport } from '../store/report-documents.ts';
import { listRuns } from '../store/runs.ts';
import { allRows } from './claims.ts';
import { buildFinalDocument, buildProvingDocuments } from './documents.ts';
import { receiptOf, withSigned } from './receipt.ts';
import { reportSetOf } from './report-set.ts';
import { publish, type ReportSet, type ReportSink, type SinkReceipt } from './sinks/sink.ts';
import { readStoredLedger } from './stored-ledger.ts';

export interface ReportServiceOptions {
  readonly sinks: readonly ReportSink[];
  readonly onError: (runId: string, error: unknown) => void;
}

const END_PHASES = ['proven', 'failed', 'rolledBack'];
const RECENT_RUNS = 1_000;

export class ReportService {
  readonly #plane: ControlPlane;
  readonly #options: ReportServiceOptions;
  /** One report after the other; the sinks are shared. */
  #last: Promise<void> = Promise.resolve();

  constructor(plane: ControlPlane, options: ReportServiceOptions) {
    this.#plane = plane;
    this.#options = options;
  }

  /** Rule 4. */
  async resume(): Promise<void> {
    const runs = await listRuns(this.#plane.store, { host: undefined, limit: RECENT_RUNS });
    for (const run of runs) if (END_PHASES.includes(run.phase)) this.note(run.id);
  }

  /** To be called when something about a run that may have ended is new. Never throws. */
  note(runId: string): void {
    this.#last = this.#last
      .then(() => this.#report(runId))
      .catch((error: unknown) => this.#options.onError(runId, error));
  }

  /** Resolves when what was noted so far is done. */
  settled(): Promise<void> {
    return this.#last;
  }

  async #report(runId: string): Promise<void> {
    const ledger = await readStoredLedger(runId, this.#plane);
    if (!END_PHASES.includes(ledger.summary.phase)) return;
    if (allRows(ledger).some(isReceipt)) await this.#complete(runId, ledger);
    else await this.#begin(runId, ledger);
  }

  async #begin(runId: string, ledger: VerifiedLedger): Promise<void> {
    if ((await findReport(this.#plane.store, runId)).length > 0) return;
    const set = reportSetOf(buildProvingDocuments(ledger));
    const receipts = await this.#publish(runId, set);
    const sinks = receipts.map(({ kind, location, ok }) => ({ kind, location, accepted: ok }));
    await this.#plane.recordReport(runId, { documents: set.files, sinks });
  }

  async #complete(runId: string, ledger: VerifiedLedger): Promise<void> {
    await this.#logVerdict(runId);
    const kept = await findReport(this.#plane.store, runId);
    const all = reportSetOf([...buildProvingDocuments(ledger), buildFinalDocument(ledger)]);
    const isRolledBack = ledger.summary.phase === 'rolledBack';
    const files = isRolledBack ? all.files : withSigned(all.files, { kept, receipt: receiptOf(ledger) });
    const digests = new Map(kept.map(({ name, sha256 }) => [name, sha256]));
    if (files.every(({ name, sha256 }) => digests.get(name) === sha256)) return;
    await this.#publish(runId, { ...all, files });
    await this.#plane.store.transaction().execute((transaction) => replaceReport(transaction, runId, files));
  }

  /** P9: the head that the host signed over its whole ledger, which every verdict is derived from. */
  async #logVerdict(runId: string): Promise<void> {
    const head = await findLedgerHead(this.#plane.store, runId);
    if (head) await this.#plane.log.append([{ kind: 'verdict', document: head.envelope }]);
  }

  async #publish(runId: string, set: ReportSet): Promise<SinkReceipt[]> {
    const receipts = await publish(set, this.#options.sinks);
    for (const { kind, location, reason } of receipts) {
      if (reason !== undefined)
        this.#options.onError(runId, new Error(`the ${kind} sink "${location}" did not take the report: ${reason}`));
    }
    return receipts;
  }
}

/** A receipt that the host recorded, whatever it is worth: it records one and no other. */
function isReceipt({ id, evidenceId }: CheckRow): boolean {
  return id === 'g8.report' && evidenceId !== undefined;
}
